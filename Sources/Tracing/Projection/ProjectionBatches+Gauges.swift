import DeliveryCounters
import ValueStreamCore

/// Recounting gauges after a change of the series limit.
extension ProjectionBatches {
  /// Recounts the gauges of running operations from the stored subjects, after the series limit changed.
  ///
  /// A subject counted in the series `other` under the old limit may have its own series under the new one. Without a
  /// recount, its end would decrement the wrong series.
  func recountGauges() throws {
    var counts: [GaugeShare: Int] = [:]
    var filter = SubjectFilter()
    filter.isOpen = true
    var cursor: UInt64?
    repeat {
      let page = try store.subjects(matching: filter, after: cursor, limit: Self.recountedAtOnce)
      var changes = ProjectionChanges()
      for var subject in page.subjects {
        let outlines = subject.outlines()
        let shares = GaugeShare.all(of: subject, outlines)
        for share in shares { counts[share, default: 0] += 1 }
        guard shares != subject.gaugeShares else { continue }
        subject.gaugeShares = shares
        let summary = SubjectSummary(subject, outlines: outlines)
        changes.subjects.append(SubjectChange(subject: subject, summary: summary, newAliases: [], newFollows: []))
      }
      if !changes.subjects.isEmpty { try store.write(changes) }
      cursor = page.next
    } while cursor != nil
    metrics.forgetSubjects()
    for (share, times) in counts { metrics.apply(.gauge(share, times: times)) }
    var changes = ProjectionChanges()
    changes.values = registry.changedValues()
    changes.values[Self.gaugeLimit] = encodedSeriesLimit
    try store.write(changes)
  }

  static let recountedAtOnce = 500
}
