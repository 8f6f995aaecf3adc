import Intake
import ValueStreamCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Signed GitHub deliveries of issues, made from the template of `Tests/Benchmarks/deliveries.lua`.
struct IssueDeliveries {
  static let secret = "a-secret-for-benchmarks-only"
  private static let repositories = 16

  /// Texts and names of values, in turn.
  private let pieces: [String]
  private let authenticator: SystemMessageAuthenticator

  init(template path: String) throws {
    guard let file = fopen(path, "r") else { throw BenchmarkFailure(description: "\(path) cannot be read") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    // As GitHub sends it: without line breaks and indentation.
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.drop { $0 == " " } }
    let text = lines.joined().split(separator: "\": ", omittingEmptySubsequences: false).joined(separator: "\":")
    pieces = Self.pieces(of: text)
    authenticator = try SystemMessageAuthenticator()
  }

  /// Splits a text at the names of values, such as `@NUMBER@`. Other texts may have an `@`, too.
  private static func pieces(of text: String) -> [String] {
    var pieces = [""]
    for part in text.split(separator: "@", omittingEmptySubsequences: false) {
      let isName = !part.isEmpty && part.utf8.allSatisfy { (65...90).contains($0) || $0 == 95 }
      if isName {
        pieces.append(String(part))
      } else if pieces.count % 2 == 0 {
        pieces.append(String(part))
      } else {
        pieces[pieces.count - 1] += pieces == [""] ? String(part) : "@" + part
      }
    }
    return pieces
  }

  /// Returns a delivery. An even number opens an issue, and the next one closes it.
  func delivery(_ number: Int, received: Timestamp) -> Delivery {
    let body = Array(body(number).utf8)
    let code = authenticator.authenticationCode(.sha256, of: body, key: Array(Self.secret.utf8))
    let serial = String(number, radix: 16)
    let id = "5eed0000-bead-4ace-8000-" + String(repeating: "0", count: 12 - serial.count) + serial
    let headers: HTTPHeaders = [
      "Host": "127.0.0.1:5001", "Accept": "*/*", "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/0f3a2b1",
      "X-GitHub-Event": "issues", "X-GitHub-Hook-ID": "425100017", "X-GitHub-Delivery": id,
      "X-Hub-Signature-256": "sha256=" + Hex.text(of: code), "Content-Length": "\(body.count)",
    ]
    return Delivery(source: "github", received: received, headers: headers, body: body)
  }

  private func body(_ number: Int) -> String {
    let (round, isClosing) = (number / 2, number % 2 == 1)
    let repository = "shop-\(round % Self.repositories + 1)"
    let opened = Timestamp(seconds: 1_768_900_000 + Int64(round))
    let updated = isClosing ? opened.advanced(byNanoseconds: 5_400_000_000_000) : opened
    let values = [
      "REPOSITORY": "harbour-lights/" + repository, "REPOSITORY_NAME": repository,
      "REPOSITORY_ID": "\(350_000_000 + round % Self.repositories)", "NUMBER": "\(round / Self.repositories + 1)",
      "ISSUE_ID": "\(2_900_000_000 + round)", "CREATED": opened.rfc3339, "UPDATED": updated.rfc3339,
      "ACTION": isClosing ? "closed" : "opened", "STATE": isClosing ? "closed" : "open",
      "CLOSED": isClosing ? "\"\(updated.rfc3339)\"" : "null", "REASON": isClosing ? "\"completed\"" : "null",
    ]
    return pieces.enumerated().map { index, piece in index % 2 == 0 ? piece : values[piece] ?? "" }.joined()
  }
}
