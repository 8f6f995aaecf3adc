import ValueStreamCore

/// The small parts that several pages use.
extension HTMLWriter {
  /// Writes a time with its full form for machines and as a tooltip.
  mutating func time(_ time: Timestamp, now: Timestamp) {
    element(.time, .datetime(time), .title(time.rfc3339), text: Wording.time(time, now: now))
  }

  /// Writes a word with the symbol of its tone.
  mutating func word(_ word: String, _ tone: Tone) {
    element(.span, .classes("tone \(tone.rawValue)")) { html in
      html.element(.span, .classes("mark"), .isHidden, text: tone.symbol)
      html.text(word)
    }
  }

  /// Writes how a span ended, or that it still goes on.
  mutating func outcome(of span: Span) {
    if let outcome = span.outcome {
      word(outcome.word, outcome.tone)
    } else if span.isFinished {
      word("ended", .plain)
    } else {
      let isItem = [.issue, .pullRequest, .incident, .sprint].contains(span.operation)
      word(isItem ? "open" : span.state == .running ? "running" : "waiting", .plain)
    }
  }

  /// Writes the heading of a section, with a remark beside it.
  mutating func sectionHeading(_ title: String, _ remark: ((inout HTMLWriter) -> Void)? = nil) {
    element(.div, .classes("heading")) { html in
      html.element(.h2, text: title)
      if let remark { html.element(.p, .classes("remark"), content: remark) }
    }
  }

  /// Writes the heading of a page and the sentence below it.
  mutating func pageHeading(_ title: String, isForeign: Bool = false, _ lead: ((inout HTMLWriter) -> Void)? = nil) {
    element(.h1) { html in
      if isForeign { html.foreign(title) } else { html.text(title) }
    }
    if let lead { element(.p, .classes("lead"), content: lead) }
  }

  /// Writes the link to another site, marked as such.
  mutating func link(to link: WebLink, text: String) {
    element(.a, .href(link), .rel("noreferrer"), .classes("away"), .title(link.address), text: text)
  }

  /// Writes a table that scrolls sideways by itself on narrow screens.
  mutating func scrollingTable(_ caption: String, classes: String, content: (inout HTMLWriter) throws -> Void) rethrows {
    try element(.div, .classes("scroll"), .tabindex(0), .role("region"), .label(caption)) { html in
      try html.element(.table, .classes(classes)) { html in
        html.element(.caption, text: caption)
        try content(&html)
      }
    }
  }

  /// Writes the head of a table. A title that begins with `>` heads a column of numbers, an empty one a
  /// column of bars.
  mutating func tableHead(_ titles: [String]) {
    element(.thead) { html in
      html.element(.tr) { html in
        for title in titles {
          guard !title.isEmpty else {
            // A column of bars repeats the number beside it.
            html.element(.td)
            continue
          }
          let isNumber = title.hasPrefix(">")
          html.element(
            .th, .scope("col"), isNumber ? .classes("number") : nil, text: isNumber ? String(title.dropFirst()) : title)
        }
      }
    }
  }
}
