package import ValueStreamCore

extension ExportSamples {
  /// Generates random spans with everything that a span can contain: text in any script, extreme numbers, span events,
  /// links and failures.
  ///
  /// - Parameter isOneLine: true for readers that print each text unescaped on one line.
  package static func generated(_ count: Int, seed: UInt64, isOneLine: Bool = false) throws -> [TracedSpan] {
    let pieces = isOneLine ? onePiece : anyPiece
    var random = SeededRandom(seed: seed)
    var result = try spans(count)
    for index in result.indices {
      result[index].span.key = key("generated", "\(index)")
      result[index].span.name = text(&random, pieces)
      result[index].span.operation =
        [.build, .job, .issue, Operation(rawValue: "thing_\(index)")].randomElement(using: &random) ?? .build
      result[index].span.outcome = [nil, .success, .failure, .timeout, .merged].randomElement(using: &random) ?? nil
      result[index].span.start = Timestamp(nanoseconds: Int64.random(in: 1...2_000_000_000_000_000_000, using: &random))
      let length = Int64.random(in: 0...1_000_000_000_000_000, using: &random)
      result[index].span.end = result[index].span.start.advanced(byNanoseconds: length)
      result[index].span.attributes = attributes(&random, pieces, upTo: 30)
      result[index].span.events = (0..<Int.random(in: 0...5, using: &random)).map { number in
        let time = result[index].span.start.advanced(byNanoseconds: Int64(number))
        return SpanEvent(name: "moment \(text(&random, pieces))", time: time, attributes: attributes(&random, pieces, upTo: 4))
      }
      if Bool.random(using: &random) { result[index].parentSpanID = SpanID(rawValue: .random(in: 1...(.max), using: &random)) }
      let trace = TraceID(high: .random(in: 0...(.max), using: &random), low: .random(in: 1...(.max), using: &random))
      if Bool.random(using: &random) { result[index].traceID = trace }
      result[index].links = (0..<Int.random(in: 0...3, using: &random)).map { _ in
        TracedLink(
          key: result[index].span.key, traceID: trace, spanID: SpanID(rawValue: .random(in: 1...(.max), using: &random)),
          rule: text(&random, pieces))
      }
    }
    return result
  }

  /// Returns spans with extreme values.
  ///
  /// No two have the same id.
  ///
  /// They cover times, lengths, numbers, text of every length and script, and empty and very long lists.
  package static func bounds() throws -> [TracedSpan] {
    let times = [
      Timestamp(nanoseconds: .min), .epoch, Timestamp(nanoseconds: 1), Timestamp(nanoseconds: 999_999_999), start,
      Timestamp.latest.advanced(byNanoseconds: -1), .latest, Timestamp(nanoseconds: .max),
    ]
    let texts =
      anyPiece + ["", "x", "\0", "\u{FFFD}", "\u{10FFFF}", "e\u{301}", "\u{202E}x", String(repeating: "é", count: 2000)]
    let values: [AttributeValue] =
      [.null, .bool(false), .strings([]), .strings([""]), .strings(texts)]
      + [Int64.min, -1, 0, 1, 1 << 53, (1 << 53) + 1, .max].map { .int($0) }
      + [
        0, -0.0, 0.1, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1e300,
        .infinity,
        -.infinity, .nan,
      ].map { .double($0) }
      + texts.map { .string($0) }
    let attributes = values.enumerated().map { Attribute("bound.\(1000 + $0.offset)", $0.element) }
    var result = try spans(times.count * times.count)
    for index in result.indices {
      let (begin, end) = (times[index / times.count], times[index % times.count])
      result[index].span.key = key("bound", "\(index)")
      result[index].span.name = texts[index % texts.count]
      result[index].span.operation = Operation(rawValue: texts[(index / 2) % texts.count])
      result[index].span.attempt = [1, 2, .max][index % 3]
      // Includes spans that end before they start, although no source makes such spans.
      (result[index].span.start, result[index].span.end) = (begin, end)
      result[index].span.attributes = index % 2 == 0 ? attributes : []
      let name = texts[index % texts.count]
      result[index].span.phases = times.map { Phase(track: "t", name: name, start: begin, end: $0, outcome: nil) }
      result[index].span.events = times.map { SpanEvent(name: name, time: $0, attributes: index % 8 == 0 ? attributes : []) }
      result[index].links = texts.map { rule in
        TracedLink(
          key: key("bound", rule), traceID: result[0].traceID, spanID: id(index), rule: rule,
          attributes: index % 8 == 0 ? attributes : [])
      }
      result[index].parentSpanID = index % 4 == 0 ? nil : SpanID(rawValue: .max)
    }
    return result
  }

  /// Returns attributes sorted by name, without duplicate names.
  private static func attributes(_ random: inout SeededRandom, _ pieces: [String], upTo count: Int) -> [Attribute] {
    (0..<Int.random(in: 0...count, using: &random)).map { number in
      let value: AttributeValue =
        switch Int.random(in: 0...7, using: &random) {
        case 0: .int([.min, -1, 0, 1, 1 << 53, .max].randomElement(using: &random) ?? 0)
        case 1: .int(.random(in: -1_000_000...1_000_000, using: &random))
        case 2: .double([-0.5, 1e300, 5e-300, 0.1, 12_345.678].randomElement(using: &random) ?? 0)
        case 3: .bool(.random(using: &random))
        case 4: .strings((0..<Int.random(in: 1...4, using: &random)).map { _ in text(&random, pieces) })
        default: .string(text(&random, pieces))
        }
      return Attribute("generated.\(number + 100)", value)
    }
  }

  private static let onePiece = [
    "plain", "Zürich", "日本語", #""quoted""#, #"back\slash"#, "👩‍🚀", String(repeating: "long", count: 80),
  ]
  private static let anyPiece =
    onePiece + [" ", "line\nend", "\u{1}", "\u{7F}", "\t", "", "a: b -> c", String(repeating: "long ", count: 60)]

  private static func text(_ random: inout SeededRandom, _ pieces: [String]) -> String {
    "x" + (0..<Int.random(in: 1...4, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }
}
