/// The style sheet of charts. Dashes, lightness and position also distinguish what colours distinguish.
enum ChartStyle {
  static let rules: StaticString = """
    svg { --paper: #ffffff; --ink: #1c2128; --muted: #59636e; --grid: #dde2e8; --first: #1f5fbf; --second: #b3541e; --band: #1f5fbf; }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #14181d; --ink: #e8ebef; --muted: #a0abb6; --grid: #2e353d; --first: #79b0ff; --second: #f0a36b; --band: #79b0ff; }
    }
    @media print {
      svg { --paper: #ffffff; --ink: #000000; --muted: #333333; --grid: #cccccc; --first: #1f5fbf; --second: #b3541e; --band: #1f5fbf; }
    }
    text { font: 12px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--ink); }
    .paper { fill: var(--paper); }
    .title { font-size: 16px; font-weight: 600; }
    .note, .tick { fill: var(--muted); }
    .axis { fill: var(--muted); font-weight: 600; }
    .middle { text-anchor: middle; }
    .end { text-anchor: end; }
    .grid { stroke: var(--grid); stroke-width: 1; }
    .base { stroke: var(--muted); stroke-width: 1; }
    .line { fill: none; stroke: var(--first); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
    .dashed { fill: none; stroke: var(--second); stroke-width: 2; stroke-dasharray: 6 4; stroke-linejoin: round; }
    .dot { fill: var(--first); }
    .dot2 { fill: var(--second); }
    .band { fill: var(--band); fill-opacity: 0.2; stroke: none; }
    .bar { fill: var(--first); fill-opacity: 0.85; }
    .bubble { fill: var(--first); fill-opacity: 0.5; stroke: var(--first); stroke-width: 0.5; }

    """
}
