// The other pictures of the same patient and job, one behind the other.

export class Stack {
  constructor(part, here, show) {
    this.part = part;
    this.here = here;
    this.show = show;
    this.records = part ? part.dataset.records.split(" ") : [here];
    this.place = this.records.indexOf(here);
    if (part) this.listen();
  }

  listen() {
    this.part.hidden = false;
    this.slider = this.part.querySelector("[data-slice]");
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value) - 1));
    this.tell();
  }

  move(by) {
    if (this.records.length < 2) return false;
    this.go(Math.min(Math.max(this.place + by, 0), this.records.length - 1));
    return true;
  }

  go(place) {
    if (place === this.place) return;
    this.place = place;
    this.tell();
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.show(this.records[place]), 60);
  }

  tell() {
    const record = this.records[this.place];
    this.slider.value = this.place + 1;
    const which = record === this.here ? "this case" : `record ${record.slice(0, 8)}`;
    this.part.querySelector("[data-slice-told]").textContent = `${this.place + 1} of ${this.records.length}, ${which}`;
    const link = this.part.querySelector("[data-slice-open]");
    link.hidden = record === this.here;
    link.href = `${this.part.dataset.case}${record}${location.search}`;
  }
}
