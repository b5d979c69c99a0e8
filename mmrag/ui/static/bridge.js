// Runs inside a gr.HTML: tells Python of clicks on [data-trigger]. Each name stands here in quotes, as Gradio asks.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-trigger]");
  if (!button || button.disabled || document.body.classList.contains("mm-busy")) return;
  const { trigger: name, ids } = button.dataset;
  if (name === "forget") return trigger("forget", {});
  if (name === "turn") return trigger("turn", { id: button.dataset.document });
  document.body.classList.add("mm-busy");
  if (name === "again") return trigger("again", {});
  if (name === "same") return trigger("same", {});
  const choices = JSON.parse(ids);
  const turn = Number(button.dataset.turn ?? 0);
  button.dataset.turn = turn + 1;
  trigger("example", { id: choices[turn % choices.length] });
});
