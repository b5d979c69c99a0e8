"""Every text from outside is hostile until escaped: in real Chromium no payload runs, and each is read as text.

Run with `python -m pytest tests/ui/test_hostile.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from mmrag.types import (
    Before,
    Document,
    Hit,
    Malformed,
    Modality,
    Phase,
    Query,
    Ranking,
    Sentence,
    Step,
    Table,
    Trace,
    Verdict,
)
from mmrag.ui.export import export
from mmrag.ui.html import problem, remark
from mmrag.ui.shell import examples, header
from tests.ui.backend import MADE, ScriptedBackend
from tests.ui.watched import Watched

_RUN = "window.XSS=1"
_TAGS = ("body", "details open", "svg", "video", "audio", "iframe", "marquee", "input autofocus", "object", "style")
_EVENTS = ("onload", "ontoggle", "onload", "onerror", "onerror", "onload", "onstart", "onfocus", "onerror", "onload")
PAYLOADS = (
    f"<script>{_RUN}</script>",
    f"<ScRiPt>{_RUN}</sCrIpT>",
    f"</script><script>{_RUN}</script>",
    f"</style><script>{_RUN}</script>",
    f"</textarea><script>{_RUN}</script>",
    f"</title><script>{_RUN}</script>",
    f"--><script>{_RUN}</script>",
    f"]]><script>{_RUN}</script>",
    f"<script src=data:text/javascript,{_RUN}></script>",
    f"<script type=module>{_RUN}</script>",
    f"<img src=x onerror={_RUN}>",
    f"<img src=x onerror='{_RUN}'>",
    f'<img src=x onerror="{_RUN}">',
    f'"><img src=x onerror={_RUN}>',
    f"'><img src=x onerror={_RUN}>",
    f'" onmouseover="{_RUN}" x="',
    f"' onmouseover='{_RUN}' x='",
    f'" autofocus onfocus="{_RUN}" x="',
    f'" style="animation:mm-turn 1s" onanimationstart="{_RUN}" x="',
    f"<img/src=x/onerror={_RUN}>",
    f"<img src=x onerror\n=\n{_RUN}>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=confirm`1`>",
    f"<<script>{_RUN}//<</script>",
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg/onload={_RUN}>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<svg><set onbegin={_RUN} attributeName=x>",
    f"<svg><a xlink:href='javascript:{_RUN}'><text>x</text></a></svg>",
    f"<svg><foreignObject><img src=x onerror={_RUN}></foreignObject></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={_RUN}>",
    f"<a href='javascript:{_RUN}'>click</a>",
    f"<a href=java&#x73;cript:{_RUN}>click</a>",
    f"<iframe src='javascript:{_RUN}'></iframe>",
    f"<iframe srcdoc='<script>parent.{_RUN[7:]}</script>'></iframe>",
    f"<object data='javascript:{_RUN}'></object>",
    f"<embed src='javascript:{_RUN}'>",
    f"<form action='javascript:{_RUN}'><button>go</button></form>",
    f"<button formaction='javascript:{_RUN}'>go</button>",
    f"<meta http-equiv=refresh content='0;url=javascript:{_RUN}'>",
    "<base href='https://attacker.invalid/'>",
    "<link rel=stylesheet href='data:text/css,*{display:none}'>",
    "<style>*{display:none}</style>",
    f"javascript:{_RUN}",
    f"javascript://%0a{_RUN}",
    f"data:text/html,<script>{_RUN}</script>",
    f"${{{_RUN}}}",
    f"${{(()=>{{{_RUN}}})()}}",
    f"`+({_RUN})+`",
    f"`;{_RUN};`",
    f"\\`+({_RUN})+\\`",
    "{{value}}",
    "{{#each this}}{{@key}}{{/each}}",
    "{{{constructor.constructor('window.XSS=1')()}}}",
    "{{constructor.constructor('window.XSS=1')()}}",
    f"{{% raw %}}{_RUN}{{% endraw %}}",
    f"<%= {_RUN} %>",
    f"#{{{_RUN}}}",
    "@children",
    "\\frac{a}{b} \\nabla \\u003cscript\\u003e",
    f"\\x3cscript\\x3e{_RUN}\\x3c/script\\x3e",
    f"&lt;script&gt;{_RUN}&lt;/script&gt;",
    f"&#60;img src=x onerror={_RUN}&#62;",
    f"\u202e<img src=x onerror={_RUN}>\u202c",
    f"<img src=x onerror=eval(atob('{'d2luZG93LlhTUz0x'}'))>",
    f"[x](javascript:{_RUN})",
    f'![x](x" onerror="{_RUN})',
    "cost ${ 5 per unit",
    *(f"<{tag} {event}={_RUN}>" for tag, event in zip(_TAGS, _EVENTS, strict=True)),
)


def hostile(payloads: tuple[str, ...], name: str) -> Trace:
    """A trace with a payload in every text: each in documents and sentences of its own, all of them in the answer."""
    hits = tuple(hit for number, payload in enumerate(payloads) for hit in _documents(number, payload, len(payloads)))
    ids = tuple(hit.document.id for hit in hits)
    whole = "\n".join(payloads)
    step = Step(
        whole,
        knowledge_base=whole,
        hits=hits,
        verdicts=tuple(Verdict(one, index % 2 == 0, 0.9, payloads[index // 3]) for index, one in enumerate(ids)),
        shown=ids[::2],
        ranking=Ranking(ids[::2]),
        sentences=tuple(Sentence(payload, (ids[index * 3],)) for index, payload in enumerate(payloads)),
        answer=whole,
        raw=whole,
        malformed=Malformed(payloads[0], whole),
    )
    made = replace(MADE, checkpoint=whole, adapter=whole, digest=whole)
    before = Before(name, f"{whole} too", f"{whole} too", ids[1:], dict.fromkeys(ids, 0.5))
    return Trace(name, Query(whole), whole, whole, Phase.DONE, {}, (step, step), whole, (), made, before=before)


def _documents(number: int, payload: str, total: int) -> tuple[Hit, ...]:
    table = Table((payload, "b"), ((payload, "1"),))
    made = (
        Document(f"i{number}{payload}", Modality.IMAGE, payload, payload, "x.png"),
        Document(f"p{number}{payload}", Modality.PASSAGE, payload, payload),
        Document(f"t{number}{payload}", Modality.TABLE, payload, "", None, table),
    )
    return tuple(Hit(document, number * 3 + index + 1, 1.0) for index, document in enumerate(made))


SINKS = """() => ({
  question: [...document.querySelectorAll('.question')].map(e => e.textContent),
  answer: [...document.querySelectorAll('.answer > span:first-child')].map(e => e.textContent),
  title: [...document.querySelectorAll('.doc h3, .doc summary .title')].map(e => e.textContent),
  label: [...document.querySelectorAll('.label .title')].map(e => e.textContent),
  passage: [...document.querySelectorAll('.doc .text')].map(e => e.textContent),
  caption: [...document.querySelectorAll('.doc img')].map(e => e.alt),
  cell: [...document.querySelectorAll('.doc td, .doc th')].map(e => e.textContent),
  reason: [...document.querySelectorAll('.reason')].map(e => e.textContent.slice(1, -1)),
  sentence: [...document.querySelectorAll('.why .text')].map(e => e.firstChild.textContent),
  before: [...document.querySelectorAll('.before')].map(e => e.firstChild.textContent),
  answered: [...document.querySelectorAll('.before b')].map(e => e.textContent),
  raw: [...document.querySelectorAll('.malformed pre')].map(e => e.textContent),
  round: [...document.querySelectorAll('.round span')].map(e => e.textContent),
})"""


def _ran(page: Page) -> bool:
    page.evaluate("document.querySelectorAll('.mm *').forEach(e => e.dispatchEvent(new Event('mouseover')))")
    page.wait_for_timeout(120)
    return bool(page.evaluate("window.XSS !== undefined"))


def _shown(page: Page, payloads: tuple[str, ...]) -> list[str]:
    """Sinks and payloads that cannot be read as text."""
    sinks = page.evaluate(SINKS)
    return [f"{sink}: {p}" for sink, texts in sinks.items() for p in payloads if p not in "\n".join(texts)]


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 60


def test_the_harness_catches_an_unsafe_sink(watched: Watched) -> None:
    watched.page.set_content(f"<div class=mm>{PAYLOADS[10]}</div>")
    assert _ran(watched.page)
    watched.page.set_content(f"<div class=mm>{PAYLOADS[21]}</div>")
    watched.page.wait_for_timeout(100)
    assert watched.dialogs == ["1"]


def test_no_payload_runs_in_the_page_and_each_is_read_as_text(watched: Watched, backend: ScriptedBackend) -> None:
    backend.save(hostile(PAYLOADS, "hostile"))
    page = watched.open("?trace=hostile")
    expect(page.locator(".answer").first).to_be_visible()
    assert not _ran(page)
    assert watched.dialogs == []
    assert watched.strangers == []
    assert _shown(page, tuple(one for one in PAYLOADS)) == []


def test_no_payload_runs_in_an_exported_file_even_without_its_policy(watched: Watched) -> None:
    for number, payload in enumerate(PAYLOADS):
        written = export(hostile((payload,), f"h{number}"), lambda name: None)
        start, rest = written.split('<meta http-equiv="Content-Security-Policy"', 1)
        watched.page.set_content(start + rest.split(">", 1)[1])
        assert not watched.page.evaluate("window.XSS !== undefined"), payload
        assert _shown(watched.page, (payload,)) == []
    assert not _ran(watched.page)
    assert watched.dialogs == []


@pytest.mark.parametrize("draw", [problem, remark], ids=["error", "remark"])
def test_no_payload_runs_in_a_notice(watched: Watched, draw: object) -> None:
    assert callable(draw)
    watched.page.set_content("<div class=mm>" + "".join(draw(payload) for payload in PAYLOADS) + "</div>")
    assert not _ran(watched.page)
    texts = watched.page.evaluate("[...document.querySelectorAll('.notice span')].map(e => e.textContent)")
    assert texts == list(PAYLOADS)


def test_no_payload_runs_in_header_or_examples(watched: Watched, backend: ScriptedBackend) -> None:
    question = next(iter(backend.examples().values()))[0]
    labels = {payload: (replace(question, id=payload, question=payload),) for payload in PAYLOADS}
    html = header("".join(PAYLOADS), {}, replace(MADE, checkpoint="".join(PAYLOADS))) + examples(labels)
    watched.page.set_content(html)
    assert not _ran(watched.page)
    assert watched.page.locator(".about > b").text_content() == "".join(PAYLOADS)
    assert watched.page.evaluate("[...document.querySelectorAll('.example')].map(e => e.textContent)") == list(PAYLOADS)
    ids = watched.page.evaluate("[...document.querySelectorAll('.example')].map(e => JSON.parse(e.dataset.ids)[0])")
    assert ids == list(PAYLOADS)


def test_what_a_person_types_comes_back_as_text(watched: Watched) -> None:
    page = watched.open()
    for payload in (PAYLOADS[0], PAYLOADS[10], "${window.XSS=1} {{value}} `x` \\frac{a}{b}"):
        watched.ask(payload)
        expect(page.locator(".question")).to_have_text(payload)
        assert not _ran(page)
    assert watched.dialogs == []
