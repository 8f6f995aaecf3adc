package import ValueStreamCore

/// Encodes and decodes the fingerprints of one write, 24 bytes each: two words of hash and the time of receipt in
/// nanoseconds.
package enum FingerprintPacking {
  private static let byteCount = 24

  package static func bytes(of fingerprints: [DeliveryFingerprint]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fingerprints.count * byteCount)
    for fingerprint in fingerprints {
      for word in [fingerprint.high, fingerprint.low, UInt64(bitPattern: fingerprint.received.nanoseconds)] {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
      }
    }
    return bytes
  }

  package static func read(_ bytes: [UInt8], since cutoff: Timestamp, into result: inout [DeliveryFingerprint]) {
    bytes.withUnsafeBytes { buffer in
      for start in stride(from: 0, to: buffer.count - byteCount + 1, by: byteCount) {
        func word(_ index: Int) -> UInt64 {
          UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
        }
        let received = Timestamp(nanoseconds: Int64(bitPattern: word(2)))
        if received >= cutoff { result.append(DeliveryFingerprint(high: word(0), low: word(1), received: received)) }
      }
    }
  }
}

/// Encodes and decodes a branch update without its branch and time, which have columns of their own.
package enum BranchUpdatePacking {
  /// Returns the number under which updates to a commit are indexed: the first 15 hexadecimal digits of its hash, or a hash of
  /// a text that is none.
  ///
  /// Other commits may share it, so callers must compare the whole text.
  static func number(of commit: String) -> Int64 { Int64(commit.prefix(15), radix: 16) ?? Checksum.of(Array(commit.utf8)) }

  package static func bytes(of update: BranchUpdate) -> [UInt8] {
    var writer = PackedWriter()
    let flags = [update.time.isVendor, update.isForced, update.isDefaultBranch, update.isCutShort]
    writer.put(flags.enumerated().reduce(0) { $0 | ($1.element ? 1 << UInt64($1.offset) : 0) } as UInt64)
    writer.put(optional: update.before)
    writer.put(optional: update.after)
    writer.put(UInt64(update.commits.count))
    for commit in update.commits { writer.put(commit.id) }
    writer.put(UInt64(update.kind.rawValue))
    for commit in update.commits {
      writer.put((commit.time == nil ? 0 : 1) | (commit.services == nil ? 0 : 2) as UInt64)
      if let time = commit.time { writer.put(time.nanoseconds) }
      guard let services = commit.services else { continue }
      writer.put(UInt64(services.count))
      for service in services { writer.put(service) }
    }
    return writer.bytes
  }

  package static func read(_ bytes: [UInt8], branch: SubjectKey, time: Timestamp) throws(DamagedBytes) -> BranchUpdate {
    try bytes.read { reader throws(DamagedBytes) in try read(&reader, branch: branch, time: time) }
  }

  private static func read(
    _ reader: inout PackedReader, branch: SubjectKey, time: Timestamp
  ) throws(DamagedBytes) -> BranchUpdate {
    let flags = try reader.unsigned()
    let before = try reader.optionalText()
    let after = try reader.optionalText()
    var commits: [BranchCommit] = []
    for _ in 0..<(try reader.count()) { commits.append(BranchCommit(try reader.text())) }
    // Older rows have no kind, so derive it from the commits before and after.
    let stored = reader.isAtEnd ? (before == nil ? 1 : after == nil ? 2 : 0) : try reader.unsigned()
    guard let kind = UInt8(exactly: stored).flatMap(BranchUpdate.Kind.init) else { throw DamagedBytes() }
    // Older rows end here, because their commits have nothing but an id.
    for index in commits.indices where !reader.isAtEnd { try read(&commits[index], &reader) }
    return BranchUpdate(
      branch: branch, kind: kind, time: EventTime(time, isVendor: flags & 1 != 0), before: before, after: after, commits: commits,
      isForced: flags & 2 != 0, isDefaultBranch: flags & 4 != 0, isCutShort: flags & 8 != 0)
  }

  private static func read(_ commit: inout BranchCommit, _ reader: inout PackedReader) throws(DamagedBytes) {
    let flags = try reader.unsigned()
    if flags & 1 != 0 { commit.time = Timestamp(nanoseconds: try reader.signed()) }
    guard flags & 2 != 0 else { return }
    var services: [String] = []
    for _ in 0..<(try reader.count()) { services.append(try reader.text()) }
    commit.services = services
  }
}
