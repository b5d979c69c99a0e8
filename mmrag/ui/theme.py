"""Gradio's own widgets in the colours of `page.css`; fonts of the reader's system, nothing fetched."""

from __future__ import annotations

import gradio as gr

FONTS = ("ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Ubuntu", "sans-serif")
MONO = ("ui-monospace", "Cascadia Mono", "Menlo", "monospace")


def theme() -> gr.themes.Base:
    """The theme, light and dark."""
    light = {
        "body_background_fill": "#fbfbfa",
        "body_text_color": "#1f2430",
        "body_text_color_subdued": "#5b6472",
        "block_background_fill": "#ffffff",
        "block_label_text_color": "#5b6472",
        "block_title_text_color": "#5b6472",
        "block_info_text_color": "#5b6472",
        "border_color_primary": "#e3e5e8",
        "input_background_fill": "#ffffff",
        "input_placeholder_color": "#5b6472",
        "slider_color": "#0072b2",
        "button_primary_background_fill": "#1f2430",
        "button_primary_background_fill_hover": "#3a4152",
        "button_primary_text_color": "#fbfbfa",
        "button_secondary_background_fill": "#ffffff",
        "button_secondary_text_color": "#1f2430",
    }
    dark = {
        "body_background_fill_dark": "#15161a",
        "body_text_color_dark": "#eceef2",
        "body_text_color_subdued_dark": "#a3abb8",
        "block_background_fill_dark": "#1d1f25",
        "block_label_text_color_dark": "#a3abb8",
        "block_title_text_color_dark": "#a3abb8",
        "block_info_text_color_dark": "#a3abb8",
        "border_color_primary_dark": "#31353e",
        "input_background_fill_dark": "#1d1f25",
        "input_placeholder_color_dark": "#a3abb8",
        "slider_color_dark": "#56b4e9",
        "button_primary_background_fill_dark": "#eceef2",
        "button_primary_background_fill_hover_dark": "#cfd4dd",
        "button_primary_text_color_dark": "#15161a",
        "button_secondary_background_fill_dark": "#1d1f25",
        "button_secondary_text_color_dark": "#eceef2",
    }
    base = gr.themes.Base(primary_hue="blue", neutral_hue="zinc", radius_size="lg", font=FONTS, font_mono=MONO)
    return base.set(**light, **dark)
