/// Decodes UTF-16, which spreadsheets write as "Unicode text", into UTF-8.
///
/// Invalid UTF-16 (half a surrogate pair, an odd last byte) becomes U+FFFD.
final class UTF16Stream: ByteStream {
  private let stream: any ByteStream
  private let isBigEndian: Bool
  /// Decoded UTF-8 that is not read yet.
  private var pending: ArraySlice<UInt8> = []
  /// Bytes left from the last read: half of a code unit, or half of a surrogate pair.
  private var rest: [UInt8] = []
  private var isAtEnd = false

  private static let readCount = 1 << 16

  init(_ stream: any ByteStream, isBigEndian: Bool) {
    self.stream = stream
    self.isBigEndian = isBigEndian
  }

  /// Returns whether a byte order mark is that of big-endian UTF-16; nil if there is no byte order mark of UTF-16.
  static func isBigEndian(_ beginning: [UInt8]) -> Bool? {
    if beginning.starts(with: [0xFF, 0xFE]) { return false }
    if beginning.starts(with: [0xFE, 0xFF]) { return true }
    return nil
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(CSVError) -> Int {
    while pending.isEmpty, !isAtEnd { try fill() }
    let count = min(pending.count, buffer.count)
    buffer.copyBytes(from: pending.prefix(count))
    pending = pending.dropFirst(count)
    return count
  }

  private func fill() throws(CSVError) {
    var bytes = [UInt8](repeating: 0, count: Self.readCount)
    var count = 0
    var failure: CSVError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(CSVError) { count = try stream.read(into: buffer) } catch { failure = error }
    }
    if let failure { throw failure }
    isAtEnd = count == 0
    var input = rest + bytes[..<count]
    rest = []
    if !isAtEnd {
      var kept = input.count % 2
      // Keeps the first half of a surrogate pair until the second half arrives.
      if input.count >= kept + 2, UTF16.isLeadSurrogate(unit(input, at: input.count - kept - 2)) { kept += 2 }
      rest = Array(input.suffix(kept))
      input.removeLast(kept)
    } else if input.count % 2 == 1 {
      input = input.dropLast() + (isBigEndian ? [0xFF, 0xFD] : [0xFD, 0xFF])
    }
    let units = stride(from: 0, to: input.count - 1, by: 2).map { unit(input, at: $0) }
    pending = Array(String(decoding: units, as: UTF16.self).utf8)[...]
  }

  private func unit(_ bytes: [UInt8], at index: Int) -> UInt16 {
    let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
    return isBigEndian ? first << 8 | second : second << 8 | first
  }
}
