// Every visible text against what is painted behind it (WCAG 1.4.3: 4.5:1, 3:1 where large), and every bar against its track
// (1.4.11: 3:1). Gives what falls short; an empty list is a pass. Backgrounds here are opaque, so the nearest painted one counts.
(() => {
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => channels(colour).slice(0, 3)
    .map(channel => channel / 255).map(channel => channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)
    .reduce((sum, channel, index) => sum + channel * [0.2126, 0.7152, 0.0722][index], 0);
  const ratio = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const painted = element => {
    for (let each = element; each !== null; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] !== 0) {
        return colour;
      }
    }

    return "rgb(255, 255, 255)";
  };

  const short = [];
  for (const element of document.body.querySelectorAll("*")) {
    const ownText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== "");
    if (!ownText || !element.checkVisibility() || element.closest(".hidden-text, .skip, noscript, script") !== null) {
      continue;
    }

    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(style.color, painted(element));
    if (found < (large ? 3 : 4.5)) {
      short.push(`${element.textContent.trim().slice(0, 40)}: ${found.toFixed(2)}`);
    }
  }

  for (const fill of document.querySelectorAll(".fill")) {
    const found = ratio(getComputedStyle(fill).backgroundColor, getComputedStyle(fill.parentElement).backgroundColor);
    if (found < 3) {
      short.push(`bar ${fill.closest(".bar").innerText.split("\n")[1]}: ${found.toFixed(2)}`);
    }
  }

  return short;
})()
