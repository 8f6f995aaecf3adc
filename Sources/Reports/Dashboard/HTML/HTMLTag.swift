/// The elements that pages use. There is neither `style` nor an inline `script`.
enum HTMLTag: String {
  case html, head, title, body, header, nav, main, aside, footer, section, div, p, h1, h2, h3, a, span, b, em, small, code
  case kbd, time, bdi, ul, ol, li, dl, dt, dd, table, caption, thead, tbody, tr, th, td, form, label, select, option
  case button, details, summary, dialog, script
  // SVG
  case svg, g, rect, line, circle, path, text, desc, defs, pattern, use

  /// True if a line break follows the element. In running text it would be a space.
  var isBlock: Bool {
    switch self {
    case .a, .span, .b, .em, .small, .code, .kbd, .time, .bdi, .button, .option, .label, .select: false
    default: true
    }
  }
}

/// The elements without content.
enum HTMLVoidTag: String {
  case br, hr, input, link, meta
}
