import Foundation

/// Formats JSON on several lines, for files that people compare.
package enum PrettyJSON {
  /// - Throws: an error if the bytes are not JSON.
  package static func text(_ bytes: [UInt8]) throws -> String {
    let value = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    let data = try JSONSerialization.data(
      withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}
