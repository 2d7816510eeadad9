"""The look of the page by day, by night and on a phone, with the variables of Gradio's theme."""

import gradio as gr

_ALWAYS = {
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_info_text_color": "*body_text_color_subdued",
    "block_title_text_color": "*body_text_color",
    "body_background_fill": "*background_fill_primary",
    "input_placeholder_color": "*body_text_color_subdued",
    "button_secondary_background_fill": "*background_fill_secondary",
    "button_secondary_text_color": "*body_text_color",
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


STYLE = """
:root body.dark { --color-accent: #86adff; --tg-on-accent: #10131a; }
.gradio-container { width: 100%; max-width: 72rem !important; margin: 0 auto !important; }
.gradio-container .html-container { padding: 0; }
.gradio-container :is(.block, .form, .input-container) { overflow: visible !important; }
.gradio-container .form { border: 0; background: none; box-shadow: none; gap: 1.25rem; }
.tg-header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
.tg-header h1 { font-size: 1.4rem; font-weight: 650; letter-spacing: -0.01em; margin: 0; }
.tg-header p { margin: 0; overflow-wrap: anywhere; }
:is(.tg-header p, .tg-chips > span, .tg-status) { color: var(--body-text-color-subdued); }

.tg-caption label { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.35rem 0.75rem; }
.tg-caption label > * { margin: 0; }
.tg-caption .input-container { flex: 1 0 100%; }
.tg-caption textarea { font-size: 1.15rem; line-height: 1.5; padding: 0.5rem 0.75rem; }
@supports (field-sizing: content) {
  .tg-caption textarea { field-sizing: content; height: auto !important; max-height: 6em; }
}

.tg-row { gap: 1.25rem 2.5rem; }
.tg-result { gap: 0.75rem; }
.tg-chips { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; }
.tg-chips > span { margin-right: 0.35rem; }
.gradio-container .prose :is(.tg-chips button, .tg-button) {
  display: inline-block; margin: 0; padding: 0.2rem 0.7rem; border-radius: 999px;
  border: 1px solid var(--border-color-primary); background: var(--background-fill-secondary);
  color: var(--body-text-color); font: inherit; line-height: 1.5; text-decoration: none;
  text-align: left; overflow-wrap: anywhere; cursor: pointer;
}
.tg-chips button:hover, .tg-button:hover { border-color: var(--color-accent) !important; }
.gradio-container .prose .tg-chips button[aria-pressed="true"] {
  background: var(--color-accent); border-color: var(--color-accent);
  color: var(--tg-on-accent, #fff);
}
.tg-examples .tg-chips { flex-direction: column; align-items: stretch; }
.gradio-container .prose.tg-examples .tg-chips button {
  border-radius: 8px; padding: 0.4rem 0.7rem;
}

.tg-status {
  margin: 0; min-height: 1.5em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
.tg-status.tg-refused { color: var(--body-text-color); }

.tg-pixels { image-rendering: pixelated; display: block; width: 100%; height: auto; }
.tg-grid {
  display: grid; gap: 0.75rem; grid-template-columns: repeat(var(--columns), minmax(0, 1fr));
  max-width: max(18rem, calc((100vh - 20rem) * var(--columns) / var(--rows)));
}
.tg-grid figure { position: relative; margin: 0; }
.gradio-container :is(.tg-grid, .tg-moving, .tg-strip) img {
  margin: 0; background: #fff; border-radius: 4px; outline: 1px solid var(--border-color-primary);
}
.tg-corner {
  position: absolute; right: 0.4rem; bottom: 0.4rem; width: 1.75rem; height: 1.75rem;
  display: grid; place-items: center; border-radius: 999px; opacity: 0;
  background: rgb(0 0 0 / 60%); text-decoration: none;
}
.gradio-container .tg-corner span { color: #fff; line-height: 1; }
figure:hover .tg-corner, .tg-corner:focus-visible { opacity: 1; }
@media (hover: none) { .tg-corner { opacity: 0.8; } }
.tg-empty {
  max-width: max(18rem, calc(100vh - 20rem)); aspect-ratio: 1; border-radius: 6px;
  border: 1px dashed var(--border-color-primary);
}
.tg-moving { max-width: max(18rem, calc(100vh - 28rem)); }
.tg-strip { display: flex; gap: 3px; margin-top: 0.75rem; }
.gradio-container .tg-strip img { flex: 1 1 0; min-width: 0; border-radius: 2px; }
.tg-save { margin: 0.75rem 0 0; min-height: 2rem; }

.gradio-container :is(button, a, input, textarea, [tabindex]):focus-visible {
  outline: 2px solid var(--color-accent) !important; outline-offset: 2px;
}
@media (prefers-reduced-motion: reduce) { .tg-moving { display: none; } }
@media (max-width: 44rem) {
  .gradio-container main.app, .gradio-container .app { padding: 1rem; }
  .tg-settings { order: 2; }
  .tg-result { order: 1; }
}
"""
