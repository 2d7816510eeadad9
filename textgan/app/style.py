"""The look of the page by day, by night and on a phone, with the variables of Gradio's theme."""

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")

_ALWAYS = {
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_info_text_color": "*body_text_color_subdued",
    "block_title_text_color": "*body_text_color",
    "body_background_fill": "*background_fill_primary",
    "input_placeholder_color": "*body_text_color_subdued",
    "button_secondary_background_fill": "*background_fill_secondary",
    "button_secondary_text_color": "*body_text_color",
    "button_primary_background_fill": "*color_accent",
    "button_primary_border_color": "*color_accent",
}
_BY_DAY = {
    "body_text_color": "#1d1f22",
    "body_text_color_subdued": "#646971",
    "background_fill_primary": "#fcfcfb",
    "background_fill_secondary": "#f4f4f1",
    "border_color_primary": "#dcdcd7",
    "color_accent": "#2b65c7",
    "input_background_fill": "#ffffff",
    "button_secondary_background_fill_hover": "#eaeae6",
    "button_primary_background_fill_hover": "#2256a9",
    "button_primary_text_color": "#ffffff",
    "slider_color": "#2b65c7",
    "checkbox_background_color_selected": "#2b65c7",
}
_BY_NIGHT = {
    "body_text_color": "#e7e7e4",
    "body_text_color_subdued": "#9aa0a8",
    "background_fill_primary": "#151719",
    "background_fill_secondary": "#22262b",
    "border_color_primary": "#373c43",
    "input_background_fill": "#1d2024",
    "button_secondary_background_fill_hover": "#2d3136",
    "button_primary_background_fill_hover": "#a5c1ff",
    "button_primary_text_color": "#10131a",
    "slider_color": "#86adff",
}


def theme() -> gr.themes.Base:
    """A theme with few borders, and fonts of the machine: a web font would be a remote request."""
    base = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="gray",
        font=["system-ui", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    by_night = {f"{name}_dark": value for name, value in {**_ALWAYS, **_BY_NIGHT}.items()}
    return base.set(
        **_ALWAYS,
        **_BY_DAY,
        **by_night,
        block_padding="0px",
        input_border_width="1px",
        block_title_text_weight="500",
    )
