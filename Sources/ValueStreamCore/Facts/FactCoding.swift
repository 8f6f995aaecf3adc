/// The bytes of a stored fact are damaged.
public struct DamagedFact: Error, Hashable {
  public init() {}
}

/// Encodes facts with fixed widths, little-endian, so that reading a hundred thousand of them takes milliseconds.
public struct FactWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public mutating func put(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  public mutating func put(_ value: Float) { put(value.bitPattern) }
  public mutating func put(_ id: FactID) { put(id.rawValue) }
  public mutating func put(_ name: FactName) { put(name.rawValue) }
  public mutating func put(_ commit: CommitPrefix) { put(commit.rawValue) }
  public mutating func put(_ time: Timestamp) { put(time.nanoseconds) }
  /// Writes -1 for nil.
  public mutating func put(_ time: Timestamp?) { put(time?.nanoseconds ?? -1) }
  /// Writes 0 for nil.
  public mutating func put(_ id: FactID?) { put(id?.rawValue ?? 0) }
}

/// Decodes what a ``FactWriter`` wrote. Valid only during the call that provides it.
public struct FactReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  public mutating func value<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type = Value.self
  ) throws(DamagedFact) -> Value {
    guard bytes.count - offset >= MemoryLayout<Value>.size else { throw DamagedFact() }
    defer { offset += MemoryLayout<Value>.size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  public mutating func float() throws(DamagedFact) -> Float { Float(bitPattern: try value()) }
  public mutating func id() throws(DamagedFact) -> FactID { FactID(rawValue: try value()) }
  public mutating func name() throws(DamagedFact) -> FactName { FactName(rawValue: try value()) }
  public mutating func commit() throws(DamagedFact) -> CommitPrefix { CommitPrefix(rawValue: try value()) }

  public mutating func time() throws(DamagedFact) -> Timestamp {
    guard let time = Timestamp(exactly: try value()) else { throw DamagedFact() }
    return time
  }

  public mutating func optionalTime() throws(DamagedFact) -> Timestamp? {
    let nanoseconds = try value(Int64.self)
    if nanoseconds == -1 { return nil }
    guard let time = Timestamp(exactly: nanoseconds) else { throw DamagedFact() }
    return time
  }

  public mutating func optionalID() throws(DamagedFact) -> FactID? {
    let number = try value(UInt64.self)
    return number == 0 ? nil : FactID(rawValue: number)
  }

  public mutating func raw<Value: RawRepresentable>(
    _ type: Value.Type = Value.self
  ) throws(DamagedFact) -> Value where Value.RawValue: FixedWidthInteger & BitwiseCopyable {
    guard let value = Value(rawValue: try value(Value.RawValue.self)) else { throw DamagedFact() }
    return value
  }
}

/// An encoded fact whose members stand at fixed places. Reports read a few members of hundreds of thousands of rows.
///
/// Valid only during the call that provides the bytes.
struct FactColumns {
  private let bytes: UnsafeRawBufferPointer

  /// - Parameter count: the bytes up to the end of the last member with a fixed place.
  /// - Throws: ``DamagedFact`` if there are fewer.
  @inline(__always)
  init(_ bytes: UnsafeRawBufferPointer, count: Int) throws(DamagedFact) {
    guard bytes.count >= count else { throw DamagedFact() }
    self.bytes = bytes
  }

  @inline(__always)
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type = Value.self) -> Value {
    Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  @inline(__always)
  func name(_ offset: Int) -> FactName { FactName(rawValue: load(offset)) }

  @inline(__always)
  func id(_ offset: Int) -> FactID { FactID(rawValue: load(offset)) }
}
