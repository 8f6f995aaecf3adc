import PayloadReading
import ValueStreamCore

/// Where a thing lives: the `source` of CDEvents, a URI reference, as the first parts of a key.
struct CDEventsOrigin: Hashable {
  /// Of an absolute address, with its port; empty for `/staging/tekton`.
  let host: String
  /// What follows the host; the whole where there is none.
  let container: String

  /// User and password are left out, and so are slashes at the end: some senders write one, some do not.
  init(_ source: String) {
    var source = WebAddress.withoutUser(source)
    while source.utf8.count > 1, source.hasSuffix("/") { source.removeLast() }
    (host, container) = WebAddress.split(source) ?? ("", source)
  }

  /// The whole in one text.
  var text: String { [host, container].filter { !$0.isEmpty }.joined(separator: "/") }
}

/// The id of a thing.
enum CDEventsIdentifier {
  /// The text without user and password, where it is an address.
  static func withoutUser(_ text: String) -> String {
    PackageURL(text)?.text ?? WebAddress.withoutUser(text)
  }
}

/// The name of an artifact that holds wherever it is: `pkg:oci/myapp@sha256%3A0b31...?repository_url=...`.
///
/// Source: the specification of package URLs.
struct PackageURL {
  /// As it was sent, but for users and passwords in the addresses in it.
  let text: String
  /// Without what only says where to get it, without escapes, and with the type in lower case. What else counts as the same name
  /// the rules of each type say, which are not known here.
  let identity: String
  /// `oci/myapp`, without type where there is a name space: `mygit.com/myorg/myapp`.
  let name: String
  let version: String?

  /// Qualifiers that say where an artifact lies or what else points at it, not which one it is.
  private static let places = ["repository_url", "download_url", "vcs_url", "file_name", "checksum", "tag"]

  /// Nil for what is no package URL.
  init?(_ text: String) {
    guard text.lowercased().hasPrefix("pkg:"), text.utf8.count > 4 else { return nil }
    let parts = text.dropFirst(4).split(separator: "?", maxSplits: 1)
    guard let given = parts.first else { return nil }
    let qualifiers = parts.count < 2 ? [] : parts[1].split(separator: "&").map(Qualifier.init)
    self.text =
      "\(text.prefix(4))\(given)" + (qualifiers.isEmpty ? "" : "?\(qualifiers.map(\.text).joined(separator: "&"))")
    let path = Self.path(given)
    let kept = qualifiers.filter { !Self.places.contains($0.name) }.map { "\($0.name)=\($0.value)" }.sorted()
    identity = "pkg:\(path)" + (kept.isEmpty ? "" : "?\(kept.joined(separator: "&"))")
    // The name space of npm begins with the same sign.
    let at = path.lastIndex(of: "@").flatMap { $0 > path.startIndex && path[path.index(before: $0)] != "/" ? $0 : nil }
    let full = path[..<(at ?? path.endIndex)]
    name = full.firstIndex(of: "/").map { String(full[full.index(after: $0)...]) } ?? String(full)
    version = at.map { String(path[path.index(after: $0)...]) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Without escapes, and the type, which is what stands before the first slash, in lower case.
  private static func path(_ given: Substring) -> String {
    let path = PercentEncoding.decode(given) ?? String(given)
    let type = path.prefix { $0 != "/" }
    return type.lowercased() + path[type.endIndex...]
  }

  private struct Qualifier {
    /// In lower case.
    let name: String
    /// Without escapes, and an address without user and password.
    let value: String
    /// As it was sent, unless there were these.
    let text: String

    init(_ text: Substring) {
      let name = text.prefix { $0 != "=" }
      let given = text[name.endIndex...].dropFirst()
      let decoded = PercentEncoding.decode(given) ?? String(given)
      value = WebAddress.withoutUser(decoded)
      self.name = name.lowercased()
      self.text = value == decoded ? String(text) : "\(name)=\(value)"
    }
  }
}

/// What a thing is called across tools: `cdevents:v0:<provider>:<provider id>:<name space>:<groups>:<type>:<id>`.
///
/// Source: the draft of CDEvents 0.6, section on domain ids.
struct DomainID {
  private let text: String
  private let segments: [String]

  /// Nil for what is none.
  init?(_ text: String) {
    let segments = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard segments.count == 8, segments[0] == "cdevents", segments[1] == "v0", !segments[6].isEmpty, !segments[7].isEmpty,
      !segments[5].hasPrefix("/"), !segments[5].hasSuffix("/")
    else { return nil }
    self.text = text
    self.segments = segments
  }

  /// Under which the thing may be known: by this name, and as an issue by that of its own source.
  var references: [Reference] {
    let hosts = ["github": "github.com", "gitlab": "gitlab.com"]
    guard segments[6] == "issue", segments[3].isEmpty, let host = hosts[segments[2]], let number = Int64(segments[7]) else {
      return [reference]
    }
    return [reference, .issue(number, of: "\(segments[4])/\(segments[5])", host: host)]
  }

  /// The name itself.
  var reference: Reference { Reference(.domainID, text) }
}
