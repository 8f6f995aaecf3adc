extension Subject {
  /// The packed form in which stores keep a subject: a version, a table of strings, then numbers that refer to it.
  ///
  /// Every string stands once, however many facts repeat it. The form is this program's own; a store that holds it
  /// records ``encodingVersion`` in its schema version.
  public func encoded() -> [UInt8] {
    var body = SubjectWriter()
    body.put(facts.count)
    for fact in facts { body.put(fact) }
    body.put(formerlyDroppedFactCount)
    body.put(droppedAttemptCount)
    body.put(optional: parent) { writer, tie in
      writer.put(tie.parent.description)
      writer.put(Int(tie.rule.rawValue))
      writer.put(tie.reference)
      writer.put(optional: tie.attempt) { $0.put($1) }
    }
    body.put(announcedAttempts) { $0.put($1) }
    body.put(gaugeShares) { writer, share in
      writer.put(Int(share.gauge.rawValue))
      writer.put(share.labels) { $0.put($1) }
      writer.put(share.count)
    }
    body.put(classic)
    body.put(optional: dropped) { $0.put($1) }
    return body.finished(version: Self.encodingVersion)
  }

  /// Reads the packed form.
  ///
  /// - Throws: ``StoreError`` with code `corrupt`, or `newerVersion` when a newer program wrote it.
  public init(key: SpanKey, encoded bytes: [UInt8]) throws {
    do throws(PackedError) {
      var reader = try SubjectReader(bytes, version: Self.encodingVersion)
      let facts = try reader.array { reader throws(PackedError) in try reader.fact(key: key) }
      let formerlyDroppedFactCount = try reader.int()
      let droppedAttemptCount = try reader.int()
      let parent = try reader.optional { reader throws(PackedError) in
        ParentTie(
          parent: SpanKey(encoded: try reader.string()), rule: try reader.value(), reference: try reader.reference(),
          attempt: try reader.parentAttempt())
      }
      let announcedAttempts = try reader.array { reader throws(PackedError) in try reader.int() }
      let gaugeShares = try reader.array { reader throws(PackedError) in try reader.gaugeShare() }
      let classic = try reader.classicState()
      self.init(
        key: key, facts: facts, dropped: try reader.droppedFacts(), formerlyDroppedFactCount: formerlyDroppedFactCount,
        droppedAttemptCount: droppedAttemptCount, parent: parent, announcedAttempts: announcedAttempts, gaugeShares: gaugeShares,
        classic: classic)
    } catch .newerVersion(let version) {
      throw StoreError(.newerVersion, "\(key): written in form \(version); this program reads up to \(Self.encodingVersion)")
    } catch .corrupt {
      throw StoreError(.corrupt, "\(key): the stored facts cannot be read")
    }
  }

  /// Grows when the packed form changes. 2: the attempt of a parent that is meant, usual operations. 3: phases that were seen.
  /// 4: shares of several gauges. 5: what is kept of dropped facts.
  static let encodingVersion: UInt8 = 5
}
