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

  /// The styles of ``Plot``. The style sheet of the dashboard has the same classes.
  static let plotRules: StaticString = """
    svg {
      --axis: #85867f; --blue: #1658a8; --blue2: #a9c5e6; --blue3: #e3ecf6; --ochre: #8f5600; --ochre2: #e2b467; --ochre3: #f8ebd3;
      --bad: #b3300b; --bad3: #f9e3da; --wash: #f4f4ef; --good: #00705a;
    }
    @media (prefers-color-scheme: dark) {
      svg {
        --axis: #79838d; --blue: #79b6f6; --blue2: #345c88; --blue3: #1d2c3d; --ochre: #e3ac55; --ochre2: #7e5a20; --ochre3: #32291a;
        --bad: #ff8d6c; --bad3: #3f231b; --wash: #1c2024; --good: #53c6a5;
      }
    }
    .pl-grid { stroke: var(--grid); }
    .pl-axis { stroke: var(--axis); }
    .pl-line { fill: none; stroke: var(--blue); stroke-width: 1.5; }
    .pl-mean { stroke: var(--ink); stroke-width: 1.5; fill: none; }
    .pl-limit { stroke: var(--axis); stroke-dasharray: 4 3; fill: none; }
    .pl-before { stroke: var(--axis); stroke-width: 1.5; fill: none; }
    .pl-p50 { stroke: var(--muted); stroke-dasharray: 1 3; }
    .pl-p70 { stroke: var(--blue); stroke-width: 1.5; stroke-dasharray: 5 3; }
    .pl-p85 { stroke: var(--ochre); stroke-width: 1.5; }
    .pl-p95 { stroke: var(--bad); stroke-width: 1.5; }
    .pl-over50 { fill: var(--wash); }
    .pl-over70 { fill: var(--blue3); }
    .pl-over85 { fill: var(--ochre3); }
    .pl-over95 { fill: var(--bad3); }
    .pl-dot { fill: var(--muted); }
    .pl-dot70 { fill: var(--blue); }
    .pl-dot85 { fill: var(--ochre); }
    .pl-dot95 { fill: var(--bad); }
    .pl-partialdot { fill: var(--paper); stroke: var(--blue); stroke-width: 1.5; }
    .pl-blocked { fill: none; stroke: var(--bad); stroke-width: 1.5; }
    .pl-stale { fill: none; stroke: var(--ink); stroke-dasharray: 2 2; }
    .pl-bar, .pl-mixed, .pl-done { fill: var(--blue2); }
    .pl-bartop { stroke: var(--blue); stroke-width: 1.5; }
    .pl-partial { fill: var(--paper); stroke: var(--blue); stroke-dasharray: 3 2; }
    .pl-work, .pl-progress { fill: var(--blue); }
    .pl-waiting { fill: var(--ochre2); }
    .pl-waithatch { fill: none; stroke: var(--ochre); stroke-dasharray: 2 2; }
    .pl-queued { fill: var(--ochre3); }
    .pl-median { stroke: var(--ink); stroke-width: 2; }
    .pl-hatch { fill: var(--paper); stroke: var(--grid); stroke-dasharray: 3 2; }
    .pl-heat0 { fill: var(--wash); }
    .pl-heat1 { fill: var(--blue3); }
    .pl-heat2 { fill: var(--blue2); }
    .pl-heat3, .pl-heat4 { fill: var(--blue); }
    .pl-heat3 { fill-opacity: 0.7; }
    .pl-deploy { stroke: var(--blue); }
    .pl-failure { stroke: var(--bad); fill: var(--bad); }
    .pl-incident { fill: var(--bad); }
    text.pl-failure { stroke: none; font-size: 9px; }
    .pl-label, .pl-note { fill: var(--muted); font-size: 11px; }
    .pl-strong { font-weight: 600; }
    .pl-onwork { fill: var(--paper); font-size: 11px; }
    .pl-onfill { font-size: 11px; }
    .pl-warn { fill: var(--ochre); font-size: 11px; }
    .pl-bad { fill: var(--bad); font-size: 11px; }
    .pl-t70 { fill: var(--blue); font-size: 11px; }
    .pl-label, .pl-note, .pl-strong, .pl-warn, .pl-bad, .pl-t70 { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
    .end { text-anchor: end; }
    .middle { text-anchor: middle; }

    """
}
