import ValueStreamCore

/// What is known of the deploys and branches of a repository.
struct RepositoryNotes: Sendable, Hashable {
  /// The services whose deploys have commits of the repository, by the name by which their deploys are found.
  var services: Set<ExactText> = []
  /// The last day on which a deploy ended.
  var lastDay = Int64.min
  /// How far the clocks of deploys were behind that of the pushes at most, in nanoseconds, rounded up.
  private(set) var skew: Int64 = 0
  /// The branches into which changes were merged. Nil if they are too many.
  var branches: Set<SubjectKey>? = []

  /// Rounds up to a power of two, so that a difference that grows slowly changes little.
  mutating func raiseSkew(to nanoseconds: Int64) {
    guard nanoseconds > skew else { return }
    let bits = Int64.bitWidth - (nanoseconds - 1).leadingZeroBitCount
    skew = bits < Int64.bitWidth - 1 ? 1 << Int64(bits) : nanoseconds
  }

  /// The stored form, without services and branches, which are stored one by one.
  var text: String { "\(lastDay) \(skew) \(branches == nil ? "*" : "-")" }

  /// Reads ``text``.
  mutating func restore(_ text: Substring) {
    let parts = text.split(separator: " ")
    guard parts.count == 3, let day = Int64(parts[0]), let known = Int64(parts[1]) else { return }
    (lastDay, skew) = (day, known)
    if parts[2] == "*" { branches = nil }
  }
}
