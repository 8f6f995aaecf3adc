import PayloadReading
import ValueStreamCore

/// Where a subject lives, as the first parts of its key. Made from the `source` of a CDEvent, which is a URI
/// reference.
struct CDEventsOrigin: Hashable {
  /// The host of an absolute address, with its port. Empty for a source such as `/staging/tekton`.
  let host: String
  /// The part after the host, or the whole source if it has no host.
  let container: String

  /// Creates the origin. Removes user and password, and slashes at the end, which some senders write and others do
  /// not.
  init(_ source: String) {
    var source = WebAddress.withoutUser(source)
    while source.utf8.count > 1, source.hasSuffix("/") { source.removeLast() }
    (host, container) = WebAddress.split(source) ?? ("", source)
  }

  /// Host and container in one text.
  var text: String { [host, container].filter { !$0.isEmpty }.joined(separator: "/") }
}

/// Reads ids of subjects.
enum CDEventsIdentifier {
  /// Returns the text. If it is an address, removes user and password.
  static func withoutUser(_ text: String) -> String {
    PackageURL(text)?.text ?? WebAddress.withoutUser(text)
  }
}

/// A package URL, which names an artifact wherever it is stored: `pkg:oci/myapp@sha256%3A0b31...?repository_url=...`.
///
/// Source: the specification of package URLs.
struct PackageURL {
  /// The package URL as sent, without users and passwords in its addresses.
  let text: String
  /// The package URL for comparison: unescaped, with its type in lower case, without qualifiers that only show where
  /// to get the artifact.
  ///
  /// Each type has further rules for equal names, which are not applied.
  let identity: String
  /// The name with its namespace but without its type: `myapp` for `pkg:oci/myapp`, or `mygit.com/myorg/myapp`.
  let name: String
  let version: String?

  /// Qualifiers that show where an artifact is stored or what else points at it, but do not identify it.
  private static let places = ["repository_url", "download_url", "vcs_url", "file_name", "checksum", "tag"]

  /// Returns nil if the text is not a package URL.
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
    // A namespace of npm also begins with `@`.
    let at = path.lastIndex(of: "@").flatMap { $0 > path.startIndex && path[path.index(before: $0)] != "/" ? $0 : nil }
    let full = path[..<(at ?? path.endIndex)]
    name = full.firstIndex(of: "/").map { String(full[full.index(after: $0)...]) } ?? String(full)
    version = at.map { String(path[path.index(after: $0)...]) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Returns the path unescaped, and its type, which is the part before the first slash, in lower case.
  private static func path(_ given: Substring) -> String {
    let path = PercentEncoding.decode(given) ?? String(given)
    let type = path.prefix { $0 != "/" }
    return type.lowercased() + path[type.endIndex...]
  }

  private struct Qualifier {
    /// The name in lower case.
    let name: String
    /// The value unescaped. An address has no user and password.
    let value: String
    /// The qualifier as sent, unless user and password were removed.
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

/// A name of a subject across tools: `cdevents:v0:<provider>:<provider id>:<namespace>:<groups>:<type>:<id>`.
///
/// Source: the draft of CDEvents 0.6, section on domain ids.
struct DomainID {
  private let text: String
  private let segments: [String]

  /// Returns nil if the text is not a domain id.
  init?(_ text: String) {
    let segments = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard segments.count == 8, segments[0] == "cdevents", segments[1] == "v0", !segments[6].isEmpty, !segments[7].isEmpty,
      !segments[5].hasPrefix("/"), !segments[5].hasSuffix("/")
    else { return nil }
    self.text = text
    self.segments = segments
  }

  /// The aliases of the subject: the domain id and, for issues of GitHub and GitLab, the alias that those sources
  /// publish.
  var references: [Reference] {
    let hosts = ["github": "github.com", "gitlab": "gitlab.com"]
    guard segments[6] == "issue", segments[3].isEmpty, let host = hosts[segments[2]], let number = Int64(segments[7]) else {
      return [reference]
    }
    return [reference, .issue(number, of: "\(segments[4])/\(segments[5])", host: host)]
  }

  /// The domain id as an alias.
  var reference: Reference { Reference(.domainID, text) }
}
