import Synchronization
import ValueStreamCore

/// Which deliveries of a log could not be read, each told once, wherever reading began.
final class LogGaps: Sendable {
  /// In order, apart from each other.
  private let ranges = Mutex<[Range<UInt64>]>([])
  private let damage: DamageReport

  /// The file that lists what was given up for lost: a range a line, both ends included.
  private static let fileName = "lost-deliveries"

  /// What was given up for lost is known, and not told.
  init(_ damage: DamageReport, in directory: StoreDirectory) {
    self.damage = damage
    let text = String(decoding: directory.contents(of: Self.fileName) ?? [], as: UTF8.self)
    for line in text.split(separator: "\n") {
      let bounds = line.split(separator: " ").compactMap { UInt64($0) }
      guard bounds.count == 2, bounds[0] <= bounds[1], bounds[1] < LogSegment.greatestNumber else { continue }
      _ = add(bounds[0]..<bounds[1] + 1)
    }
  }

  /// Gives up for lost what was told.
  func accept(in directory: StoreDirectory) throws(StoreError) {
    let lines = ranges.withLock { ranges in ranges.map { "\($0.lowerBound) \($0.upperBound - 1)\n" } }
    if !lines.isEmpty { try directory.replace(Self.fileName, with: Array(lines.joined().utf8)) }
  }

  func note(_ range: Range<UInt64>, reason: String) {
    for range in add(range) {
      let last = range.upperBound - 1
      damage.note(
        StoreDamage(.delivery, range.lowerBound == last ? "\(last)" : "\(range.lowerBound) to \(last)", reason: reason))
    }
  }

  /// Where the gap begins in which a number lies; nil where it lies in none that is known.
  func start(around number: UInt64) -> UInt64? {
    ranges.withLock { ranges in ranges.first { $0.contains(number) }?.lowerBound }
  }

  /// Number after the last that could not be read.
  var end: UInt64? { ranges.withLock { $0.last?.upperBound } }

  /// - Returns: what of it was not known.
  private func add(_ range: Range<UInt64>) -> [Range<UInt64>] {
    ranges.withLock { ranges -> [Range<UInt64>] in
      var news: [Range<UInt64>] = []
      var start = range.lowerBound
      for known in ranges where known.overlaps(range) {
        if start < known.lowerBound { news.append(start..<known.lowerBound) }
        start = max(start, known.upperBound)
      }
      if start < range.upperBound { news.append(start..<range.upperBound) }
      guard !news.isEmpty else { return [] }
      var merged: [Range<UInt64>] = []
      for next in (ranges + news).sorted(by: { $0.lowerBound < $1.lowerBound }) {
        if let last = merged.last, last.upperBound == next.lowerBound {
          merged[merged.count - 1] = last.lowerBound..<next.upperBound
        } else {
          merged.append(next)
        }
      }
      ranges = merged
      return news
    }
  }
}
