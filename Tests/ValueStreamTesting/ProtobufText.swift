/// Converts Protocol Buffers messages to text with a decoder of its own, so that no encoder is checked by its own code.
package struct ProtobufText: Sendable {
  package indirect enum Kind: Sendable {
    case message(String)
    case string, hex, int, bool, fixed32, fixed64, double
    case `enum`([UInt64: String])
  }

  /// The fields of each message by number, with their names.
  package typealias Schema = [String: [UInt64: (name: String, kind: Kind)]]

  package struct Failure: Error {
    package var reason: String
  }

  private let schema: Schema

  package init(schema: Schema) {
    self.schema = schema
  }

  /// Returns one field per line as `number name: value`, with nested messages indented.
  package func text(of bytes: some Collection<UInt8>, as message: String) throws -> String {
    try lines(of: Array(bytes)[...], as: message).map { $0 + "\n" }.joined()
  }

  private func lines(of bytes: ArraySlice<UInt8>, as message: String) throws -> [String] {
    guard let fields = schema[message] else { throw Failure(reason: "no message \(message)") }
    var result: [String] = []
    var rest = bytes
    while !rest.isEmpty {
      let tag = try Self.varint(&rest)
      guard let field = fields[tag >> 3] else { throw Failure(reason: "\(message) has no field \(tag >> 3)") }
      let title = "\(tag >> 3) \(field.name)"
      switch (field.kind, tag & 7) {
      case (.message(let name), 2):
        result.append(title)
        result += try lines(of: Self.block(&rest), as: name).map { "  " + $0 }
      case (.string, 2):
        guard let text = String(validating: try Self.block(&rest), as: UTF8.self) else {
          throw Failure(reason: "\(title): no UTF-8")
        }
        result.append("\(title): \"\(text)\"")
      case (.hex, 2):
        result.append(
          "\(title): " + (try Self.block(&rest)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
      case (.int, 0): result.append("\(title): \(Int64(bitPattern: try Self.varint(&rest)))")
      case (.bool, 0): result.append("\(title): \(try Self.varint(&rest) == 1)")
      case (.enum(let names), 0):
        let number = try Self.varint(&rest)
        result.append("\(title): \(number) \(names[number] ?? "?")")
      case (.fixed32, 5): result.append("\(title): \(try Self.fixed(&rest, 4))")
      case (.fixed64, 1): result.append("\(title): \(try Self.fixed(&rest, 8))")
      case (.double, 1): result.append("\(title): \(Double(bitPattern: try Self.fixed(&rest, 8)))")
      default: throw Failure(reason: "\(title) has wire type \(tag & 7)")
      }
    }
    return result
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst(), shift < 64 {
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Failure(reason: "a number without end")
  }

  private static func block(_ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
    let count = Int(clamping: try varint(&rest))
    guard count <= rest.count else { throw Failure(reason: "\(count) bytes are more than there are") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private static func fixed(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws -> UInt64 {
    guard rest.count >= count else { throw Failure(reason: "cut short") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension ProtobufText {
  /// Requests to export traces, as opentelemetry-proto 1.x defines them.
  package static let otlp = ProtobufText(schema: [
    "ExportTraceServiceRequest": [1: ("resource_spans", .message("ResourceSpans"))],
    "ResourceSpans": [
      1: ("resource", .message("Resource")), 2: ("scope_spans", .message("ScopeSpans")), 3: ("schema_url", .string),
    ],
    "Resource": [1: ("attributes", .message("KeyValue")), 2: ("dropped_attributes_count", .int)],
    "ScopeSpans": [1: ("scope", .message("InstrumentationScope")), 2: ("spans", .message("Span")), 3: ("schema_url", .string)],
    "InstrumentationScope": [1: ("name", .string), 2: ("version", .string)],
    "Span": [
      1: ("trace_id", .hex), 2: ("span_id", .hex), 3: ("trace_state", .string), 4: ("parent_span_id", .hex), 5: ("name", .string),
      6: ("kind", .enum([1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"])),
      7: ("start_time_unix_nano", .fixed64), 8: ("end_time_unix_nano", .fixed64), 9: ("attributes", .message("KeyValue")),
      10: ("dropped_attributes_count", .int), 11: ("events", .message("Event")), 12: ("dropped_events_count", .int),
      13: ("links", .message("Link")), 14: ("dropped_links_count", .int), 15: ("status", .message("Status")),
      16: ("flags", .fixed32),
    ],
    "Event": [
      1: ("time_unix_nano", .fixed64), 2: ("name", .string), 3: ("attributes", .message("KeyValue")),
      4: ("dropped_attributes_count", .int),
    ],
    "Link": [
      1: ("trace_id", .hex), 2: ("span_id", .hex), 3: ("trace_state", .string), 4: ("attributes", .message("KeyValue")),
      5: ("dropped_attributes_count", .int), 6: ("flags", .fixed32),
    ],
    "Status": [2: ("message", .string), 3: ("code", .enum([1: "OK", 2: "ERROR"]))],
    "KeyValue": [1: ("key", .string), 2: ("value", .message("AnyValue"))],
    "AnyValue": [
      1: ("string_value", .string), 2: ("bool_value", .bool), 3: ("int_value", .int), 4: ("double_value", .double),
      5: ("array_value", .message("ArrayValue")), 7: ("bytes_value", .hex),
    ],
    "ArrayValue": [1: ("values", .message("AnyValue"))],
  ])
}
