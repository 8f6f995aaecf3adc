import Synchronization
import ValueStreamCore

/// The deliveries of a log that could not be read, each reported once, even if several cursors meet it.
final class LogGaps: Sendable {
  /// In ascending order, without overlaps and without adjacent ranges.
  private let ranges = Mutex<[Range<UInt64>]>([])
  private let damage: DamageReport

  /// The file with the accepted losses: one range per line, both ends included.
  static let fileName = "lost-deliveries"

  /// Loads the losses that were accepted before, so that they are not reported again.
  init(_ damage: DamageReport, in directory: StoreDirectory) {
    self.damage = damage
    let text = String(decoding: directory.contents(of: Self.fileName) ?? [], as: UTF8.self)
    for line in text.split(separator: "\n") {
      let bounds = line.split(separator: " ").compactMap { UInt64($0) }
      guard bounds.count == 2, bounds[0] <= bounds[1], bounds[1] < LogSegment.greatestNumber else { continue }
      _ = add(bounds[0]..<bounds[1] + 1)
    }
  }

  /// Stores all gaps known so far as accepted losses.
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

  /// The start of the known gap that contains a number; nil if there is none.
  func start(around number: UInt64) -> UInt64? {
    ranges.withLock { ranges in ranges.first { $0.contains(number) }?.lowerBound }
  }

  /// The number after the last delivery that could not be read; nil if there is none.
  var end: UInt64? { ranges.withLock { $0.last?.upperBound } }

  /// Adds a range.
  ///
  /// - Returns: the parts that were not known yet.
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
