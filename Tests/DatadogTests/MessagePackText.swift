import ValueStreamCore

/// A MessagePack value with a decoder of its own, so that the tests do not check the encoder against itself.
indirect enum MessagePack: Equatable {
  case unsigned(UInt64)
  case signed(Int64)
  case double(Double)
  case text(String)
  case list([MessagePack])
  /// Members in order. Names are unique.
  case map([Member])

  struct Member: Equatable {
    var name: String
    var value: MessagePack
  }

  struct Failure: Error {
    var reason: String
  }

  /// Decodes exactly one value; throws if bytes follow it.
  init(reading bytes: [UInt8]) throws {
    var rest = bytes[...]
    self = try Self.read(&rest)
    if !rest.isEmpty { throw Failure(reason: "\(rest.count) bytes follow") }
  }

  private static func read(_ rest: inout ArraySlice<UInt8>) throws -> MessagePack {
    let type = try number(&rest, bytes: 1)
    switch type {
    case 0x00...0x7F: return .unsigned(type)
    case 0x80...0x8F: return try map(&rest, count: type & 15)
    case 0x90...0x9F: return try list(&rest, count: type & 15)
    case 0xA0...0xBF: return try text(&rest, count: type & 31)
    case 0xCB: return .double(Double(bitPattern: try number(&rest, bytes: 8)))
    case 0xCC...0xCF: return .unsigned(try number(&rest, bytes: 1 << (type - 0xCC)))
    case 0xD3: return .signed(Int64(bitPattern: try number(&rest, bytes: 8)))
    case 0xD9...0xDB: return try text(&rest, count: try number(&rest, bytes: 1 << (type - 0xD9)))
    case 0xDC, 0xDD: return try list(&rest, count: try number(&rest, bytes: 2 << (type - 0xDC)))
    case 0xDE, 0xDF: return try map(&rest, count: try number(&rest, bytes: 2 << (type - 0xDE)))
    default: throw Failure(reason: "type \(type)")
    }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, bytes: Int) throws -> UInt64 {
    guard rest.count >= bytes else { throw Failure(reason: "cut short") }
    defer { rest = rest.dropFirst(bytes) }
    return rest.prefix(bytes).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func text(_ rest: inout ArraySlice<UInt8>, count: UInt64) throws -> MessagePack {
    guard count <= UInt64(rest.count), let text = String(validating: rest.prefix(Int(count)), as: UTF8.self) else {
      throw Failure(reason: "no text")
    }
    rest = rest.dropFirst(Int(count))
    return .text(text)
  }

  private static func list(_ rest: inout ArraySlice<UInt8>, count: UInt64) throws -> MessagePack {
    .list(try (0..<count).map { _ in try read(&rest) })
  }

  private static func map(_ rest: inout ArraySlice<UInt8>, count: UInt64) throws -> MessagePack {
    var members: [Member] = []
    for _ in 0..<count {
      guard case .text(let name) = try read(&rest) else { throw Failure(reason: "a name that is no text") }
      if members.contains(where: { $0.name == name }) { throw Failure(reason: "\(name) stands there twice") }
      members.append(Member(name: name, value: try read(&rest)))
    }
    return .map(members)
  }

  subscript(name: String) -> MessagePack? {
    if case .map(let members) = self { members.first { $0.name == name }?.value } else { nil }
  }

  var list: [MessagePack] {
    if case .list(let list) = self { list } else { [] }
  }

  var unsigned: UInt64? {
    if case .unsigned(let number) = self { number } else { nil }
  }

  /// Prints one value per line and indents nested values.
  func lines(indent: String = "") -> String {
    switch self {
    case .unsigned(let number): "\(indent)\(number)\n"
    case .signed(let number): "\(indent)\(number)\n"
    case .double(let number): "\(indent)double \(number)\n"
    case .text(let text): "\(indent)\"\(text)\"\n"
    case .list(let list): list.map { "\(indent)-\n" + $0.lines(indent: indent + "  ") }.joined()
    case .map(let members):
      members.map { member in
        switch member.value {
        case .list, .map: "\(indent)\(member.name)\n" + member.value.lines(indent: indent + "  ")
        default: "\(indent)\(member.name): " + member.value.lines()
        }
      }.joined()
    }
  }
}
