/// Passes texts as the rows of a file are passed: followed by bytes that do not belong to them.
enum PaddedText {
  /// - Parameter padding: The byte that follows the text 16 times.
  static func withBytes<Value>(
    of text: String, padding: Character = "7", _ body: (UnsafeBufferPointer<UInt8>) -> Value
  ) -> Value {
    let bytes = Array((text + String(repeating: padding, count: 16)).utf8)
    return bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0.dropLast(16))) }
  }
}
