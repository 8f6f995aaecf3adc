/// Names that lead elsewhere than before, whose followers are to be looked at again.
///
/// Followers are gone through in the order in which the store knows them, from where the last step stopped. A name that leads elsewhere
/// meanwhile is gone through once around from there, so what waits for one name never exceeds one look at each of its followers.
/// Stored as a value, together with what the steps change.
package struct PendingTies: Sendable, Hashable {
  /// What is left to be looked at of the followers of one name.
  package struct Scan: Sendable, Hashable {
    package var reference: Reference
    /// Followers up to this place were looked at.
    package var after: UInt64 = 0
    /// The place of the last that is to be looked at; nil for all.
    package var end: UInt64?
    /// Once it is through, it begins anew, up to this place; nil where it does not.
    var around: UInt64?
  }

  private var scans: [Reference: Scan] = [:]
  /// The one that is next first.
  private var order: [Reference] = []

  /// With so many names no further deliveries are taken before there are fewer.
  package static let limit = 1000

  /// The name of the value that holds them.
  package static let valueName = "correlation.pending"

  private static let encodingVersion: UInt8 = 1

  package init() {}

  package var count: Int { order.count }
  package var isEmpty: Bool { order.isEmpty }

  /// What is to be looked at next.
  package var next: Scan? { order.first.flatMap { scans[$0] } }

  /// Puts a name before the others: most have few followers.
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

  /// Notes that followers up to a place were looked at, and puts the name behind the others.
  ///
  /// - Parameter place: nil where all were.
  package mutating func pass(_ reference: Reference, upTo place: UInt64?) {
    guard var scan = scans[reference] else { return }
    order.removeAll { $0 == reference }
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

  /// Gives up what is next, because it cannot be done.
  package mutating func dropNext() {
    guard let first = order.first else { return }
    order.removeFirst()
    scans[first] = nil
  }

  // MARK: Stored

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

  /// Reads what was stored; nothing where it cannot be read, or was written by a newer version.
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
