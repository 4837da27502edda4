// The big total: runs up to each new value until the next frame is due and ends on exactly that.
import { toNumber } from "/assets/exact.js";
import { figure, whole, write } from "/assets/format.js";

const TICK_MS = 100; // the publish interval: longer, and it would lag behind the bars for as long as votes come in
const FEWEST_DIGITS = 6; // a shorter figure is not made larger

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Total {
  #element;
  #figure;
  #from = 0;
  #to = null;
  #startedAt = 0;
  #frame = 0;

  /** @param element the line that holds the figure; its --digits says how long the figure is */
  constructor(element, figureElement) {
    this.#element = element;
    this.#figure = figureElement;
  }

  /** Shows a total, in billionths. */
  show(total) {
    if (total === this.#to) {
      return;
    }

    this.#from = this.#to === null ? toNumber(total) : this.#shown();
    this.#to = total;
    this.#startedAt = performance.now();
    this.#element.style.setProperty("--digits", Math.max(FEWEST_DIGITS, figure(total).length));
    cancelAnimationFrame(this.#frame);
    this.#tick();
  }

  #progress() {
    return Math.min(1, (performance.now() - this.#startedAt) / TICK_MS);
  }

  #shown() {
    return this.#from + (toNumber(this.#to) - this.#from) * this.#progress();
  }

  #tick() {
    if (reducedMotion.matches || document.hidden || this.#progress() === 1) {
      write(this.#figure, figure(this.#to));
      return;
    }

    write(this.#figure, whole(this.#shown()));
    this.#frame = requestAnimationFrame(() => this.#tick());
  }
}
