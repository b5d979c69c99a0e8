"""Training runs as charts and HTML: what they learned by step, what they wrote, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from mmrag.runs import Run, Sample
from mmrag.ui.charts import GREY, layout
from mmrag.ui.markup import esc, percent

# Okabe and Ito's colours that are legible on light and dark.
COLOURS = ("#2f8fc8", "#d07a00", "#14a37f", "#b9598c", "#8a7df0", "#9c8a4e")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SMOOTH = 0.8  # of the line before: a step's figure is one batch, and jumps
PLOT, AXIS, ROW = 230, 50, 19  # heights in pixels: of the plot, of what is told below its axis, of a legend's row
PANELS: Mapping[str, Mapping[str, str]] = {
    "Reward": {"reward": "in training", "eval_reward": "on unseen questions"},
    "Components of the reward": {
        "rewards/judged_verdict/mean": "verdict",
        "rewards/judged_format/mean": "form of a verdict",
        "rewards/ranked_ranking/mean": "ranking",
        "rewards/ranked_answer/mean": "answer",
        "rewards/ranked_reasoning/mean": "reasoning",
        "rewards/ranked_format/mean": "form of an answer",
    },
    "Entropy": {"entropy": "nats a token", "kl": "KL from the start"},
    "Length": {"completions/mean_length": "tokens", "completions/max_length": "longest"},
    "Shares": {
        "clip_ratio/region_mean": "clipped tokens",
        "completions/clipped_ratio": "cut-off completions",
        "frac_reward_zero_std": "groups that agree",
    },
}


def panel(title: str, runs: Sequence[Run]) -> go.Figure:
    """One panel's figures over the steps. One run has a colour for each figure; several have one each, and dashes."""
    figure = go.Figure()
    for number, run in enumerate(runs):
        for index, (name, says) in enumerate(PANELS[title].items()):
            points = run.series(name)
            if not points:
                continue
            colour = COLOURS[(index if len(runs) == 1 else number) % len(COLOURS)]
            dash = DASHES[(0 if len(runs) == 1 else index) % len(DASHES)]
            label = says if len(runs) == 1 else f"{run.name}: {says}"
            steps, values = zip(*points, strict=True)
            line = {"color": colour, "dash": dash, "width": 2}
            figure.add_scatter(x=steps, y=smoothed(values), name=label, mode="lines", line=line)
            dots = {"color": colour, "size": 4, "opacity": 0.35}
            figure.add_scatter(x=steps, y=values, name=label, mode="markers", marker=dots, showlegend=False)
    figure.update_layout(**layout("step", ""))
    figure.update_layout(**_framed(title, sum(trace.mode == "lines" for trace in figure.data)))
    return figure


def _framed(title: str, rows: int) -> dict[str, Any]:
    """The title above the plot and below it a legend of so many rows, for which the chart grows.

    The legend is one column: a figure does not know how wide it will be drawn, and so not where a row would break.
    """
    legend = ROW * rows
    return {
        "title": {"text": title, "font": {"size": 14, "color": GREY}, "y": 1, "yanchor": "top", "pad": {"t": 12}},
        "margin": {"l": 10, "r": 10, "t": 40, "b": AXIS + legend},
        "height": 40 + PLOT + AXIS + legend,
        "legend": {
            "orientation": "v",
            "x": 0,
            "y": -AXIS / PLOT,
            "yanchor": "top",
            "maxheight": legend + ROW,  # else half of the chart, and the rest is scrolled to
        },
    }


def smoothed(values: Sequence[float]) -> list[float]:
    """An exponential mean, so that a trend shows through single batches.

    >>> smoothed([1.0, 1.0]), smoothed([])
    ([1.0, 1.0], [])
    """
    out: list[float] = []
    for value in values:
        out.append(SMOOTH * out[-1] + (1 - SMOOTH) * value if out else value)
    return out


def heading(runs: Sequence[Run]) -> str:
    """What the chosen runs train and how far they are."""
    if not runs:
        return (
            '<div class="mm"><p class="notice"><span>No run is chosen. A run appears here as soon as it writes its'
            " first step: <code>python -m training.stage1 --config training/configs/embedded-stage1.yaml</code>.</span>"
            "</p></div>"
        )
    items = "".join(_run_line(run) for run in runs)
    return f'<div class="mm"><ul class="runs">{items}</ul></div>'


def _run_line(run: Run) -> str:
    trainer = _mapping(run.settings.get("trainer"))
    most = trainer.get("max_steps")
    told = [f"step {run.steps}" + (f" of {most}" if isinstance(most, int) and most > 0 else "")]
    for name, says in (
        ("learning_rate", "learning rate"),
        ("num_generations", "completions of a prompt"),
        ("seed", "seed"),
    ):
        if name in trainer:
            told.append(f"{says} {trainer[name]}")
    if commit := run.settings.get("commit"):
        told.append(f"commit {commit}")
    return f'<li><b dir="auto">{esc(run.name)}</b> <span class="sub">{esc(" · ".join(map(str, told)))}</span></li>'


def samples(run: Run, step: int) -> str:
    """What a run wrote at a step under its name, each completion with what its components gave it."""
    found = [one for one in run.samples if one.step == step]
    if not found:
        return '<div class="mm"><p class="notice"><span>No completions were kept of this step.</span></p></div>'
    items = "".join(_sample(one) for one in found)
    return f'<div class="mm written"><h3 dir="auto">{esc(run.name)}</h3><ol class="samples">{items}</ol></div>'


def _sample(one: Sample) -> str:
    bars = "".join(
        f'<span class="part"><span>{esc(_short(name))}</span><i style="--share:{percent(value)}"></i>'
        f"<b>{value:.2f}</b></span>"
        for name, value in one.components.items()
    )
    sign = "above" if one.advantage > 0 else "below" if one.advantage < 0 else "as"
    return (
        f'<li class="card"><details><summary><span class="advantage {sign}">{one.advantage:+.2f}</span>'
        f'<span class="said" dir="auto">{esc(one.completion) or "(nothing)"}</span></summary>'
        f'<pre tabindex="0" dir="auto">{esc(one.prompt)}</pre></details><div class="parts">{bars}</div></li>'
    )


def _short(name: str) -> str:
    """A component without the kind of row that it is told of."""
    return name.partition("_")[2] or name


def comparable(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What variants can be compared by: what it is in words, and its name."""
    return [(str(says), key) for key, says in _mapping(found.get("figures")).items()]


def forest(found: Mapping[str, Any], key: str) -> go.Figure:
    """One figure of every variant with its interval, in the order of the table below it."""
    told = {name: _mapping(one.get(key)) for name, one in _mapping(found.get("variants")).items()}
    drawn = {name: one for name, one in told.items() if "value" in one}
    values = [one["value"] for one in drawn.values()]
    above = [one["ci95"][1] - one["value"] for one in drawn.values()]
    below = [one["value"] - one["ci95"][0] for one in drawn.values()]
    bars = {"array": above, "arrayminus": below, "symmetric": False, "thickness": 2, "width": 5}
    figure = go.Figure(
        go.Scatter(x=values, y=list(drawn), mode="markers", error_x=bars, marker={"color": COLOURS[0], "size": 9})
    )
    figure.update_layout(**layout(str(_mapping(found.get("figures")).get(key, "")), ""))
    figure.update_layout(height=90 + 26 * len(drawn), showlegend=False)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure


def results(found: Mapping[str, Any]) -> str:
    """The table of variants and the differences between them, with intervals."""
    if not found:
        return (
            '<div class="mm"><p class="notice"><span>Nothing has been compared yet: <code>python -m training.ablate'
            "</code> writes <code>docs/results.json</code>.</span></p></div>"
        )
    figures, variants = _mapping(found.get("figures")), _mapping(found.get("variants"))
    head = "".join(f'<th scope="col">{esc(str(says))}</th>' for says in figures.values())
    rows = "".join(
        f'<tr><th scope="row">{esc(name)}<span class="sub">{esc(str(one.get("says", "")))}</span></th>'
        + "".join(f"<td>{_estimate(_mapping(one.get(key)))}</td>" for key in figures)
        + "</tr>"
        for name, one in variants.items()
    )
    compared = "".join(
        f'<tr><th scope="row">{esc(str(one.get("ours")))} against {esc(str(one.get("theirs")))}</th>'
        f"<td>{esc(str(figures[key]))}</td><td>{_estimate(_mapping(one[key]), signed=True)}</td></tr>"
        for one in found.get("comparisons", ())
        for key in figures
        if key in one
    )
    made = _mapping(found.get("made"))
    about = f"{made.get('questions', 0):,} questions of unseen worlds, {made.get('judged', 0):,} documents judged; "
    about += f"{made.get('date', '')}, commit {made.get('commit', '')}"
    return (
        f'<div class="mm results"><p class="sub">{esc(about)}</p>{_table("Variants", f"<th></th>{head}", rows)}'
        + _table("Differences on the same questions", "<th>compared</th><th>figure</th><th>difference</th>", compared)
        + _changes(_mapping(found.get("changed")))
        + "</div>"
    )


def _changes(found: Mapping[str, Any]) -> str:
    """Questions that only one of two variants answers right, what each wrote beside the other."""
    examples = found.get("examples", ())
    if not examples:
        return ""
    before, after = esc(str(found.get("before"))), esc(str(found.get("after")))
    counts = f"{after} answers {found.get('won', 0):,} questions right that {before} did not, and no longer "
    counts += f"{found.get('lost', 0):,} that {before} did; {len(examples)} of them, drawn at random:"
    items = "".join(
        f'<li class="card"><p class="asked" dir="auto">{esc(str(one.get("asked")))}</p>'
        f'<p class="sub">{esc(str(one.get("type")))} · right is <b dir="auto">{esc(str(one.get("gold")))}</b></p>'
        f'<div class="pair">{_wrote(before, _mapping(one.get("before")))}{_wrote(after, _mapping(one.get("after")))}'
        "</div></li>"
        for one in map(_mapping, examples)
    )
    return f'<h2>Before and after</h2><p class="sub">{counts}</p><ol class="changes">{items}</ol>'


def _wrote(name: str, one: Mapping[str, Any]) -> str:
    right, kept = bool(one.get("right")), _mapping(one.get("kept"))
    sign, says = ("✓", "right") if right else ("✗", "wrong")
    answer = esc(str(one.get("answer"))) or "(nothing)"
    wrote = esc(str(one.get("wrote"))) or "(nothing was kept, so nothing was asked)"
    return (
        f'<div class="{says}"><p><span class="sub">{name}</span> <span class="sign" role="img" aria-label="{says}">'
        f'{sign}</span> <b dir="auto">{answer}</b></p>'
        f'<p class="sub">kept {kept.get("gold", 0)} of the evidence and {kept.get("others", 0)} besides</p>'
        f'<p class="said" dir="auto">{wrote}</p></div>'
    )


def _table(caption: str, head: str, rows: str) -> str:
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _estimate(one: Mapping[str, Any], signed: bool = False) -> str:
    if "value" not in one:
        return "–"
    form = "{:+.3f}" if signed else "{:.3f}"
    low, high = one["ci95"]
    return f'<b>{form.format(one["value"])}</b> <span class="sub">{form.format(low)} to {form.format(high)}</span>'


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
