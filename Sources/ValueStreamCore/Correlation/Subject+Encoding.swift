extension Subject {
  /// Encodes the subject for storage: a version, a table of strings, then numbers that refer to the table.
  ///
  /// Each string occurs once, however many facts repeat it. The format is private to this program. A store that
  /// contains it records ``encodingVersion`` in its schema version.
  public func encoded() -> [UInt8] {
    var body = SubjectWriter()
    let own = ownFacts
    body.put(own.facts.count)
    for fact in own.facts { body.put(fact) }
    body.put(own.formerlyDroppedFactCount)
    body.put(droppedAttemptCount)
    body.put(optional: parent) { writer, tie in
      writer.put(tie.parent.description)
      writer.put(Int(tie.rule.rawValue))
      writer.put(tie.reference)
      writer.put(optional: tie.attempt) { $0.put($1) }
    }
    body.put(outboxAttempts) { $0.put($1) }
    body.put(gaugeShares) { writer, share in
      writer.put(Int(share.gauge.rawValue))
      writer.put(share.labels) { $0.put($1) }
      writer.put(share.count)
    }
    body.put(classic)
    body.put(optional: own.dropped) { $0.put($1) }
    body.put(importedEnds) { $0.put($1) }
    // Most subjects have no guests, and earlier versions of the program can read those.
    guard !guests.isEmpty else { return body.finished(version: 6) }
    body.put(Array(guests)) { writer, guest in
      writer.put(guest.key.description)
      writer.put(guest.facts) { $0.put($1) }
      writer.put(optional: guest.dropped) { $0.put($1) }
      writer.put(guest.formerlyDroppedFactCount)
      writer.put(guest.droppedAttemptCount)
    }
    return body.finished(version: Self.encodingVersion)
  }

  /// Decodes a stored subject.
  ///
  /// - Throws: ``StoreError`` with code `corrupt`, or `newerVersion` if a newer version of the program wrote it.
  public init(key: SubjectKey, encoded bytes: [UInt8]) throws {
    do throws(PackedError) {
      var reader = try SubjectReader(bytes, version: Self.encodingVersion)
      let facts = try reader.array { reader throws(PackedError) in try reader.fact(key: key) }
      let formerlyDroppedFactCount = try reader.int()
      let droppedAttemptCount = try reader.int()
      let parent = try reader.optional { reader throws(PackedError) in
        ParentTie(
          parent: SubjectKey(encoded: try reader.string()), rule: try reader.value(), reference: try reader.reference(),
          attempt: try reader.parentAttempt())
      }
      let outboxAttempts = try reader.array { reader throws(PackedError) in try reader.int() }
      let gaugeShares = try reader.array { reader throws(PackedError) in try reader.gaugeShare() }
      let classic = try reader.classicState()
      let dropped = try reader.droppedFacts()
      let importedEnds = try reader.importedEnds()
      self.init(
        key: key, facts: facts, dropped: dropped, formerlyDroppedFactCount: formerlyDroppedFactCount,
        droppedAttemptCount: droppedAttemptCount, parent: parent, outboxAttempts: outboxAttempts, gaugeShares: gaugeShares,
        classic: classic, importedEnds: importedEnds, guests: try reader.guests())
    } catch .newerVersion(let version) {
      throw StoreError(.newerVersion, "\(key): written in form \(version); this program reads up to \(Self.encodingVersion)")
    } catch .corrupt {
      throw StoreError(.corrupt, "\(key): the stored facts cannot be read")
    }
  }

  /// The version of the format; increment it when the format changes.
  ///
  /// 2: attempt of a parent, usual operations. 3: phases that were seen. 4: shares of several gauges. 5: summary of
  /// dropped facts. 6: ends that only imported deliveries told. 7: facts of guests apart.
  static let encodingVersion: UInt8 = 7
}
