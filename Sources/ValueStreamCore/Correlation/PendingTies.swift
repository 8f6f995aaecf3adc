/// A queue of references that now lead to a different subject, so that their followers must be checked again.
///
/// A scan visits the followers of a reference in the order of their places in the store, and continues where the last step
/// stopped. If the reference changes again meanwhile, the scan goes on to the end and then from the start to the place where
/// it was. The work that waits for one reference thus never exceeds one check of each follower.
///
/// The queue is stored as a value, in the same write as the changes of the steps.
package struct PendingTies: Sendable, Hashable {
  /// The progress of the scan over the followers of one reference.
  package struct Scan: Sendable, Hashable {
    package var reference: Reference
    /// The place up to which followers were checked.
    package var after: UInt64 = 0
    /// The place of the last follower to check. Nil to check all.
    package var end: UInt64?
    /// The place up to which a second pass from the start must go. Nil if no second pass is needed.
    var around: UInt64?
  }

  private var scans: [Reference: Scan] = [:]
  /// The references in the order of processing.
  private var order: [Reference] = []

  /// At this number of references, the projection takes no further deliveries until the queue is shorter.
  package static let limit = 1000

  /// The name of the stored value that holds the queue. See ``ProjectionChanges/values``.
  package static let valueName = "correlation.pending"

  private static let encodingVersion: UInt8 = 1

  package init() {}

  package var count: Int { order.count }
  package var isEmpty: Bool { order.isEmpty }

  /// The next scan to continue. Nil if the queue is empty.
  package var next: Scan? { order.first.flatMap { scans[$0] } }

  /// The next scans to continue, at most this many.
  func first(_ count: Int) -> [Scan] { order.prefix(count).compactMap { scans[$0] } }

  /// Adds a reference at the front of the queue, because most references have few followers.
  ///
  /// If the reference is in the queue already, it keeps its position, and its scan is extended to visit all followers.
  package mutating func add(_ reference: Reference) {
    guard var scan = scans[reference] else {
      scans[reference] = Scan(reference: reference)
      order.insert(reference, at: 0)
      return
    }
    scan.end = nil
    scan.around = scan.after > 0 ? scan.after : nil
    scans[reference] = scan
  }

  /// Records that followers up to a place were checked, and moves the reference to the end of the queue.
  ///
  /// If all were checked and no second pass is needed, the reference leaves the queue.
  ///
  /// - Parameter place: nil if all followers of this pass were checked.
  package mutating func pass(_ reference: Reference, upTo place: UInt64?) {
    guard var scan = scans[reference] else { return }
    if order.first == reference { order.removeFirst() } else { order.removeAll { $0 == reference } }
    if let place {
      scan.after = place
    } else {
      guard let around = scan.around else {
        scans[reference] = nil
        return
      }
      scan = Scan(reference: reference, after: 0, end: around)
    }
    scans[reference] = scan
    order.append(reference)
  }

  /// The queue with all scans at their beginning, for a store that has other places.
  package var restarted: PendingTies {
    var result = PendingTies()
    for reference in order.reversed() { result.add(reference) }
    return result
  }

  /// Removes the next scan, because its followers cannot be read.
  package mutating func dropNext() {
    guard let first = order.first else { return }
    order.removeFirst()
    scans[first] = nil
  }

  // MARK: Encoding

  /// The queue as bytes to store. Empty if the queue is empty.
  package var encoded: [UInt8] {
    if order.isEmpty { return [] }
    var writer = SubjectWriter()
    writer.put(order.compactMap { scans[$0] }) { writer, scan in
      writer.put(scan.reference)
      writer.put(Int64(clamping: scan.after))
      writer.put(optional: scan.end) { $0.put(Int64(clamping: $1)) }
      writer.put(optional: scan.around) { $0.put(Int64(clamping: $1)) }
    }
    return writer.finished(version: Self.encodingVersion)
  }

  /// Reads a stored queue. The queue is empty if the bytes cannot be read or come from a newer version.
  package init(encoded bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    do throws(PackedError) {
      var reader = try SubjectReader(bytes, version: Self.encodingVersion)
      let stored = try reader.array { reader throws(PackedError) in
        Scan(
          reference: try reader.reference(), after: UInt64(clamping: try reader.int64()),
          end: try reader.optional { reader throws(PackedError) in UInt64(clamping: try reader.int64()) },
          around: try reader.optional { reader throws(PackedError) in UInt64(clamping: try reader.int64()) })
      }
      for scan in stored where scans[scan.reference] == nil {
        scans[scan.reference] = scan
        order.append(scan.reference)
      }
    } catch {
      self = PendingTies()
    }
  }
}
