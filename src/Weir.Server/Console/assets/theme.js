// Light, dark, or as the system says. A classic script in the head, so that the choice is in place before the first paint.
(() => {
  const choices = ["system", "light", "dark"];
  const root = document.documentElement;

  // Storage is refused in some private windows; the page then follows the system.
  const read = () => { try { return localStorage.getItem("weir-theme"); } catch { return null; } };
  const keep = choice => { try { localStorage.setItem("weir-theme", choice); } catch { /* lasts for this page only */ } };

  const apply = choice => {
    root.dataset.theme = choice;
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.textContent = `Theme: ${choice}`;
    }
  };

  let choice = choices.includes(read()) ? read() : "system";
  root.dataset.theme = choice;

  addEventListener("DOMContentLoaded", () => {
    apply(choice);
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.addEventListener("click", () => {
        choice = choices[(choices.indexOf(choice) + 1) % choices.length];
        keep(choice);
        apply(choice);
      });
    }
  });
})();
