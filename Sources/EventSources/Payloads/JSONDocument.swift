import CSimdjson
package import ValueStreamCore

/// A parsed JSON document. Its values keep it alive.
package final class JSONDocument {
  private let parser: OpaquePointer
  private let rootHandle: vs_json_value

  /// Parses and validates a whole document.
  ///
  /// - Throws: ``PayloadError`` with code `malformed`, saying what is wrong: also for text that is not UTF-8, for more than
  ///   1,024 levels, and for whole numbers beyond 64 bits.
  package init(_ bytes: [UInt8]) throws(PayloadError) {
    guard let parser = vs_json_parser_take() else {
      throw PayloadError(.malformed, reason: "no memory to read a document of \(bytes.count) bytes")
    }
    var root = vs_json_value()
    if let message = vs_json_parse(parser, bytes, bytes.count, &root) {
      vs_json_parser_give(parser)
      throw PayloadError(.malformed, reason: "not JSON: \(String(cString: message))")
    }
    self.parser = parser
    rootHandle = root
  }

  deinit {
    vs_json_parser_give(parser)
  }

  package var root: JSONValue { JSONValue(handle: rootHandle, document: self) }
}

/// A value of a document; reading it as another type than it is gives nil.
package struct JSONValue {
  private let handle: vs_json_value
  private let document: JSONDocument

  fileprivate init(handle: vs_json_value, document: JSONDocument) {
    self.handle = handle
    self.document = document
  }

  package var isObject: Bool { vs_json_type_of(handle) == VS_JSON_OBJECT }

  package var isArray: Bool { vs_json_type_of(handle) == VS_JSON_ARRAY }

  package var isNull: Bool { vs_json_type_of(handle) == VS_JSON_NULL }

  package var string: String? {
    var bytes: UnsafePointer<CChar>?
    var count = 0
    guard vs_json_get_string(handle, &bytes, &count), let bytes else { return nil }
    return UnsafeRawBufferPointer(start: bytes, count: count).withMemoryRebound(to: UInt8.self) {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// A whole number that fits; never one with a fraction.
  package var int: Int64? {
    var value: Int64 = 0
    return vs_json_get_int64(handle, &value) ? value : nil
  }

  /// Any number.
  package var double: Double? {
    var value = 0.0
    return vs_json_get_double(handle, &value) ? value : nil
  }

  package var bool: Bool? {
    var value = false
    return vs_json_get_bool(handle, &value) ? value : nil
  }

  /// The first member of that name, whatever it holds; nil when this is no object.
  package subscript(name: StaticString) -> JSONValue? {
    var member = vs_json_value()
    let isFound = name.withUTF8Buffer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { vs_json_member(handle, $0.baseAddress, $0.count, &member) }
    }
    return isFound ? JSONValue(handle: member, document: document) : nil
  }

  /// The elements of an array; empty when this is none.
  package var elements: [JSONValue] {
    var cursor = vs_json_cursor()
    guard isArray, vs_json_begin(handle, &cursor) else { return [] }
    var result: [JSONValue] = []
    var element = vs_json_value()
    while vs_json_next_element(&cursor, &element) { result.append(JSONValue(handle: element, document: document)) }
    return result
  }

  /// The members of an object in order, repeated names included; empty when this is none.
  package var members: [(name: String, value: JSONValue)] {
    var cursor = vs_json_cursor()
    guard isObject, vs_json_begin(handle, &cursor) else { return [] }
    var result: [(name: String, value: JSONValue)] = []
    var name: UnsafePointer<CChar>?
    var length = 0
    var member = vs_json_value()
    while vs_json_next_member(&cursor, &name, &length, &member) {
      let text = UnsafeRawBufferPointer(start: name, count: length).withMemoryRebound(to: UInt8.self) {
        String(decoding: $0, as: UTF8.self)
      }
      result.append((text, JSONValue(handle: member, document: document)))
    }
    return result
  }
}
