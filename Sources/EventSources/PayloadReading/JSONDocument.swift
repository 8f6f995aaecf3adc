import CSimdjson
package import Synchronization
package import ValueStreamCore

/// A parsed JSON document. Its values keep it alive.
package final class JSONDocument {
  private let parser: OpaquePointer
  private let rootHandle: vs_json_value
  /// The number of values that no type can hold and that are read as null or U+FFFD, with the JSON paths of the first
  /// few.
  package let unread: (count: Int, paths: [String])

  /// Parses and validates a whole document.
  ///
  /// Reads numbers beyond 64 bits or a double as null, and lone surrogates as U+FFFD. ``unread`` lists them.
  ///
  /// - Throws: ``PayloadError`` with code `malformed` and the reason. Also thrown for text that is not UTF-8, for more
  ///   than 1,024 levels, and for more values than ``valueLimit(ofBytes:)``.
  package init(_ bytes: [UInt8]) throws(PayloadError) {
    let valueLimit = Self.valueLimit(ofBytes: bytes.count)
    if bytes.count > valueLimit, !vs_json_has_at_most(bytes, bytes.count, valueLimit) {
      throw PayloadError(.malformed, reason: "more than \(valueLimit) values in a document of \(bytes.count) bytes")
    }
    guard let parser = vs_json_parser_take() else {
      throw PayloadError(.malformed, reason: "no memory to read a document of \(bytes.count) bytes")
    }
    var root = vs_json_value()
    var unread: (count: Int, paths: [String]) = (0, [])
    if let message = Self.parse(bytes, with: parser, &root) {
      guard let mending = JSONMending(bytes), Self.parse(mending.bytes, with: parser, &root) == nil else {
        vs_json_parser_give(parser)
        throw PayloadError(.malformed, reason: "not JSON: \(String(cString: message))")
      }
      unread = (mending.count, mending.paths)
      Self.unreadDocuments.add(1, ordering: .relaxed)
    }
    self.parser = parser
    self.unread = unread
    rootHandle = root
  }

  /// The spare capacity with which a document is parsed where it is. With less, it is copied first.
  package static let spareCapacity = vs_json_room

  /// - Returns: the reason if the bytes are not JSON.
  private static func parse(_ bytes: [UInt8], with parser: OpaquePointer, _ root: inout vs_json_value) -> UnsafePointer<CChar>? {
    // The capacity of an array is one allocation, so the bytes behind its elements can be read.
    vs_json_parse(parser, bytes, bytes.count, bytes.capacity - bytes.count, &root)
  }

  /// The number of documents with ``unread`` values that this process has parsed.
  ///
  /// A caller that sees the same number before and after parsing knows that its document has none.
  package static let unreadDocuments = Atomic(0)

  /// Returns the largest number of values that a document may hold. It bounds the memory for parsing to a few times the
  /// size.
  ///
  /// Real payloads have at most one value in 20 bytes.
  package static func valueLimit(ofBytes count: Int) -> Int { max(1 << 20, count / 12) }

  /// The number of members that are read of one object. Later members are ignored.
  package static let memberLimit = 10_000

  deinit {
    vs_json_parser_give(parser)
  }

  package var root: JSONValue { JSONValue(handle: rootHandle, document: self) }
}

/// A JSON value. Reading it as another type returns nil.
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

  /// The value of a whole number that fits into 64 bits; nil for numbers with a fraction.
  package var int: Int64? {
    var value: Int64 = 0
    return vs_json_get_int64(handle, &value) ? value : nil
  }

  /// The value of any number.
  package var double: Double? {
    var value = 0.0
    return vs_json_get_double(handle, &value) ? value : nil
  }

  package var bool: Bool? {
    var value = false
    return vs_json_get_bool(handle, &value) ? value : nil
  }

  /// Returns the first member with this name, whatever its type; nil if this is not an object.
  ///
  /// Looks at the first ``JSONDocument/memberLimit`` members only.
  package subscript(name: StaticString) -> JSONValue? {
    var member = vs_json_value()
    let isFound = name.withUTF8Buffer { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        vs_json_member(handle, $0.baseAddress, $0.count, JSONDocument.memberLimit, &member)
      }
    }
    return isFound ? JSONValue(handle: member, document: document) : nil
  }

  /// The elements of an array; empty for other types.
  package var elements: JSONElements { JSONElements(isArray ? JSONContent(handle: handle, document: document) : nil) }

  /// The members of an object in order, including repeated names; empty for other types.
  ///
  /// Yields the first ``JSONDocument/memberLimit`` members only.
  package var members: JSONMembers { JSONMembers(isObject ? JSONContent(handle: handle, document: document) : nil) }
}

/// The elements of an array, created one at a time. A long list costs no memory before the caller cuts it.
package struct JSONElements: Sequence, ExpressibleByArrayLiteral {
  private let content: JSONContent?

  /// An empty sequence.
  package init(arrayLiteral none: Never...) { content = nil }

  fileprivate init(_ content: JSONContent?) { self.content = content }

  package func makeIterator() -> Iterator { Iterator(rest: content?.begin()) }

  package struct Iterator: IteratorProtocol {
    fileprivate var rest: JSONContent.Rest?

    package mutating func next() -> JSONValue? {
      guard var rest else { return nil }
      var element = vs_json_value()
      guard vs_json_next_element(&rest.cursor, &element) else { return nil }
      self.rest = rest
      return JSONValue(handle: element, document: rest.document)
    }
  }

  package var isEmpty: Bool { first == nil }

  package var first: JSONValue? {
    var iterator = makeIterator()
    return iterator.next()
  }

  /// The number of elements. Iterates over the whole array.
  package var count: Int { reduce(0) { count, _ in count + 1 } }
}

/// The members of an object, created one at a time.
package struct JSONMembers: Sequence, ExpressibleByArrayLiteral {
  private let content: JSONContent?

  /// An empty sequence.
  package init(arrayLiteral none: Never...) { content = nil }

  fileprivate init(_ content: JSONContent?) { self.content = content }

  package func makeIterator() -> Iterator { Iterator(rest: content?.begin()) }

  package struct Iterator: IteratorProtocol {
    fileprivate var rest: JSONContent.Rest?
    private var left = JSONDocument.memberLimit

    fileprivate init(rest: JSONContent.Rest?) { self.rest = rest }

    package mutating func next() -> (name: String, value: JSONValue)? {
      guard left > 0, var rest else { return nil }
      var name: UnsafePointer<CChar>?
      var length = 0
      var member = vs_json_value()
      guard vs_json_next_member(&rest.cursor, &name, &length, &member) else { return nil }
      self.rest = rest
      left -= 1
      let text = UnsafeRawBufferPointer(start: name, count: length).withMemoryRebound(to: UInt8.self) {
        String(decoding: $0, as: UTF8.self)
      }
      return (text, JSONValue(handle: member, document: rest.document))
    }
  }
}

/// An array or object to iterate over. It keeps its document alive.
private struct JSONContent {
  let handle: vs_json_value
  let document: JSONDocument

  /// The position of an iterator.
  struct Rest {
    var cursor: vs_json_cursor
    let document: JSONDocument
  }

  func begin() -> Rest? {
    var cursor = vs_json_cursor()
    return vs_json_begin(handle, &cursor) ? Rest(cursor: cursor, document: document) : nil
  }
}
