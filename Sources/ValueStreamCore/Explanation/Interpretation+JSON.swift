extension JSONWriter {
  /// Writes how a source read a delivery, in the format of `GET /api/v1/deliveries` and `vsperf explain`.
  ///
  /// `result` is `recorded`, `ignored` or `unreadable`. The last two come with a `reason`, and `unreadable` also with the
  /// `path` in the payload. `events` and `branches` are always present.
  public mutating func members(of interpretation: Result<Interpretation, PayloadError>) {
    var events: [Event] = []
    var updates: [BranchUpdate] = []
    switch interpretation {
    case .success(.events(let found, let moved)):
      member("result", DeliveryResult.recorded.rawValue)
      (events, updates) = (found, moved)
    case .success(.exclusion(let change)):
      member("result", DeliveryResult.recorded.rawValue)
      name("exclusion")
      object { json in
        json.member("action", change.action.rawValue)
        json.member("item", change.item.description)
        json.member("reason", change.reason)
        json.member("actor", change.actor)
      }
    case .success(.ignored(let reason)):
      member("result", DeliveryResult.ignored.rawValue)
      member("reason", reason)
    case .failure(let error):
      member("result", DeliveryResult.unreadable.rawValue)
      member("reason", error.reason)
      member("path", error.path)
    }
    name("events")
    array(events) { json, event in event.write(to: &json) }
    name("branches")
    array(updates) { json, update in update.write(to: &json) }
  }
}

extension BranchUpdate {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("key", branch.description)
      json.member("change", "\(kind)")
      json.member("time", time.timestamp.rfc3339)
      json.member("before", before)
      json.member("after", after)
      json.name("commits")
      json.array(commits) { json, commit in
        json.object { json in
          json.member("id", commit.id)
          json.member("time", commit.time?.rfc3339)
          guard let services = commit.services else { return }
          json.name("services")
          json.array(services) { $0.value($1) }
        }
      }
      json.name("forced")
      json.value(isForced)
      json.name("defaultBranch")
      json.value(isDefaultBranch)
      json.name("cutShort")
      json.value(isCutShort)
    }
  }
}

extension Event {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("key", key.description)
      json.member("operation", (operation ?? usualOperation)?.rawValue)
      json.member("name", name)
      json.member("project", project)
      json.member("owner", owner)
      json.member("time", time.timestamp.rfc3339)
      json.member("clock", time.clock)
      switch attempt {
      case .single: json.member("attempt", "single")
      case .counted: json.member("attempt", "counted")
      case .numbered(let number): json.member("attempt", number)
      }
      json.member("state", state.map { "\($0)" })
      json.member("outcome", outcome?.rawValue)
      json.name("marks")
      json.array(marks) { json, mark in
        json.object { json in
          json.member("kind", "\(mark.kind)")
          json.member("time", mark.time.timestamp.rfc3339)
          json.member("clock", mark.time.clock)
        }
      }
      json.name("phases")
      json.array(phases) { json, phase in
        json.object { json in
          json.member("track", phase.track)
          json.member("name", phase.name)
          json.member("start", phase.start?.rfc3339)
          json.member("end", phase.end?.rfc3339)
          json.member("outcome", phase.outcome?.rawValue)
          json.member("seen", phase.seen?.rfc3339)
          json.member("earliestStart", phase.earliestStart?.rfc3339)
        }
      }
      json.name("moments")
      json.array(spanEvents) { json, spanEvent in
        json.object { json in
          json.member("name", spanEvent.name)
          json.member("time", spanEvent.time.rfc3339)
          json.member("attributes", spanEvent.attributes)
        }
      }
      writeReferences(to: &json)
      json.member("attributes", attributes.filter { $0.vocabulary == .semantic })
      json.member("classicTags", attributes.filter { $0.vocabulary == .classic })
      json.name("classicSpan")
      writeClassic(to: &json)
    }
  }

  private func writeReferences(to json: inout JSONWriter) {
    json.name("publishes")
    json.array(publishes) { $0.value($1.description) }
    json.name("follows")
    json.array(follows) { json, statement in
      json.object { json in
        json.member("rule", statement.rule.name)
        json.member("reach", statement.reach == .anywhere ? "anywhere" : "same_owner")
        json.name("references")
        json.array(statement.references) { $0.value($1.description) }
        if let attempt = statement.attempt { json.member("attempt", attempt) }
      }
    }
    json.name("links")
    json.array(links) { json, link in
      json.object { json in
        json.member("rule", link.rule)
        json.member("reference", link.reference.description)
      }
    }
  }

  private func writeClassic(to json: inout JSONWriter) {
    guard let classic else {
      json.value(nil as String?)
      return
    }
    json.object { json in
      json.member("transition", "\(classic.transition)")
      json.member("eventSource", classic.eventSource)
      json.member("type", classic.type)
      json.member("state", classic.state)
      json.member("time", classic.time.timestamp.rfc3339)
      json.name("error")
      json.value(classic.isError)
    }
  }
}

extension EventTime {
  /// The clock that the time comes from.
  fileprivate var clock: String { isVendor ? "vendor" : "receipt" }
}

extension JSONWriter {
  /// Writes attributes as an object. If a name occurs twice, the later one wins.
  fileprivate mutating func member(_ name: String, _ attributes: [Attribute]) {
    self.name(name)
    object { json in
      var last: [String: Int] = [:]
      for (index, attribute) in attributes.enumerated() { last[attribute.name] = index }
      for (index, attribute) in attributes.enumerated() where last[attribute.name] == index {
        json.name(attribute.name)
        json.value(attribute.value)
      }
    }
  }
}
