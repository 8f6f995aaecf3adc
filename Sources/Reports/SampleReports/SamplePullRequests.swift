import CSV
import ValueStreamCore

/// Generates fake pull requests in the format of `vsperf github pull-requests`; the same seed gives the same rows.
///
/// Most pull requests are small and merged within hours, some are large and take weeks. Rows are grouped by
/// repository, and the newest come first in each, as in the lists of a forge.
package struct SamplePullRequests: Sendable {
  /// The columns of the report, in order.
  package static let columns = [
    "owner", "repo", "created_at", "merged", "duration", "comments", "additions", "deletions", "total_changes",
    "duration_per_comment", "duration_per_line", "ID", "merged_at", "closed_at", "updated_at", "author", "url", "title",
    "Reviewers",
  ]

  private let rowCount: Int
  private let seed: UInt64

  package init(rows: Int, seed: UInt64) {
    rowCount = rows
    self.seed = seed
  }

  /// Passes the header and the rows to `take`, a chunk at a time.
  package func write<Failure: Error>(_ take: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    var writer = CSVWriter()
    var random = SeededRandom(seed: seed)
    writer.row(Self.columns)
    let newest = Self.end.seconds
    for index in 0..<rowCount {
      let repository = index * Self.repositories.count / rowCount
      let first = (repository * rowCount + Self.repositories.count - 1) / Self.repositories.count
      let next = ((repository + 1) * rowCount + Self.repositories.count - 1) / Self.repositories.count
      // The distance to the next pull request is random around an even spacing.
      let step = Self.spanSeconds / Int64(next - first)
      let age = Int64(index - first) * step + Int64.random(in: 0...max(1, step), using: &random)
      let created = Timestamp(seconds: newest - age - Self.spanSeconds / 100)
      add(Self.repositories[repository], number: next - index, created: created, to: &writer, using: &random)
      if writer.bytes.count > 1 << 16 { try take(writer.take()) }
    }
    try take(writer.take())
  }

  // MARK: Rows

  private func add(
    _ repository: (owner: String, name: String), number: Int, created: Timestamp, to writer: inout CSVWriter,
    using random: inout SeededRandom
  ) {
    let isMerged = !random.oneIn(8)
    let duration = Self.skewed(from: 300, to: 4_000_000, using: &random)
    let lines = random.oneIn(100) ? 0 : Self.skewed(from: 1, to: 5000, using: &random)
    let additions = Int64.random(in: 0...lines, using: &random)
    let comments = random.oneIn(4) ? 0 : Self.skewed(from: 1, to: 60, using: &random)
    let closed = created.advanced(byNanoseconds: duration * 1_000_000_000)
    let updated = closed.advanced(byNanoseconds: Int64.random(in: 0...86_400, using: &random) * 1_000_000_000)
    let author = Self.people[Int.random(in: 0..<Self.people.count, using: &random)]
    writer.field(repository.owner)
    writer.field(repository.name)
    writer.field(created.rfc3339)
    writer.field(isMerged ? "true" : "false")
    for number in [duration, comments, additions, lines - additions, lines] { writer.field(String(number)) }
    writer.field(Self.quotient(duration, comments))
    writer.field(Self.quotient(duration, lines))
    writer.field("PR_\(Self.word(of: 6, using: &random))")
    writer.field(isMerged ? closed.rfc3339 : "")
    writer.field(closed.rfc3339)
    writer.field(updated.rfc3339)
    writer.field(author)
    writer.field("https://github.com/\(repository.owner)/\(repository.name)/pull/\(number)")
    writer.field(Self.title(using: &random))
    writer.field(Self.reviewers(besides: author, using: &random))
    writer.endRow()
  }

  /// Returns a random number whose order of magnitude is more often in the middle of the range than at its ends.
  private static func skewed(from least: Int64, to most: Int64, using random: inout SeededRandom) -> Int64 {
    let share = (0..<3).reduce(0.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) } / 3
    // Between two powers of two, a polynomial approximates the power well enough and gives the same result on every
    // machine.
    var bound = Double(least)
    var left = share * Double(Int64.bitWidth - (most / least).leadingZeroBitCount)
    while left >= 1 {
      bound *= 2
      left -= 1
    }
    let power = 1 + left * (0.695_556_856 + left * (0.226_173_572 + left * 0.078_269_572))
    return min(most, Int64(bound * power))
  }

  /// Returns the quotient, or an empty text if the divisor is 0.
  private static func quotient(_ number: Int64, _ divisor: Int64) -> String {
    divisor == 0 ? "" : ShortestDecimal.text(Double(number) / Double(divisor))
  }

  private static func title(using random: inout SeededRandom) -> String {
    let verb = verbs[Int.random(in: 0..<verbs.count, using: &random)]
    let subject = objects[Int.random(in: 0..<objects.count, using: &random)]
    let title = "\(verb) \(subject)"
    if random.oneIn(10) { return "\(title), and its tests" }
    return random.oneIn(20) ? "\(title) (\"\(objects[Int.random(in: 0..<objects.count, using: &random)])\" too)" : title
  }

  private static func reviewers(besides author: String, using random: inout SeededRandom) -> String {
    let count = Int.random(in: 0...2, using: &random)
    let first = Int.random(in: 0..<people.count, using: &random)
    return (0..<count).map { people[(first + $0) % people.count] }.filter { $0 != author }.joined(separator: "|")
  }

  private static func word(of count: Int, using random: inout SeededRandom) -> String {
    String(decoding: (0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }, as: UTF8.self)
  }

  // MARK: Words

  /// The end of the period: the newest pull requests were created a few days before.
  private static let end = Timestamp(seconds: 1_767_225_600)
  /// The length of the period: three years.
  private static let spanSeconds: Int64 = 3 * 365 * 86_400
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

  private static let repositories: [(owner: String, name: String)] = ["harbour", "quay", "reef", "mooring"]
    .flatMap { owner in
      ["app", "api", "web", "infra", "billing", "search", "mobile", "docs", "accounts", "mail"]
        .map { (owner, $0) }
    }

  private static let people = [
    "amara", "bogdan", "chiara", "dmitri", "elif", "farid", "greta", "hana", "ines", "jonas", "kofi", "linnea", "mateo", "nadia",
    "oskar", "priya", "quentin", "rosa", "sven", "tomoko", "ulla", "viktor", "wanda", "xiomara", "yusuf", "zofia",
  ]
  private static let verbs = ["Add", "Fix", "Remove", "Rename", "Speed up", "Document", "Simplify", "Retry", "Log", "Cache"]
  private static let objects = [
    "invoices", "sign-in by mail", "the search index", "a flaky test", "rounding", "the release", "time zones", "large uploads",
    "settings", "metrics",
  ]
}
