/// Translates facts from the numbers of one store to those of another.
extension EncodedFact {
  /// Returns the subjects and texts of a stored fact. Nil if its bytes are damaged.
  package var numbers: (ids: Set<FactID>, names: Set<FactName>)? {
    var ids: Set<FactID> = []
    var names: Set<FactName> = []
    let copy = translated { id in
      ids.insert(id)
      return id
    } name: { name in
      names.insert(name)
      return name
    }
    return copy == nil ? nil : (ids, names)
  }

  /// Returns the fact with other numbers of subjects and texts. Nil if its bytes are damaged.
  ///
  /// - Parameter name: is not called for ``FactName/none``.
  package func translated(id: (FactID) -> FactID, name: (FactName) -> FactName) -> EncodedFact? {
    func known(_ number: FactName) -> FactName { number.isKnown ? name(number) : number }
    return switch kind {
    case .change: translated(ChangeFact.self) { $0.translate(id, known) }
    case .deploy: translated(DeployFact.self) { $0.translate(id, known) }
    case .deliveredChange: translated(DeliveredChange.self) { $0.translate(id, known) }
    case .incident: translated(IncidentFact.self) { $0.translate(id, known) }
    case .issue: translated(IssueFact.self) { $0.translate(id, known) }
    case .run: translated(RunFact.self) { $0.translate(id, known) }
    }
  }

  private func translated<Row: Fact>(_ type: Row.Type, _ translate: (inout Row) -> Void) -> EncodedFact? {
    bytes.withUnsafeBytes { buffer in
      var reader = FactReader(buffer)
      guard var row = try? Row(from: &reader) else { return nil }
      translate(&row)
      return EncodedFact(row)
    }
  }
}

private typealias IDs = (FactID) -> FactID
private typealias Names = (FactName) -> FactName

extension ChangeLabels {
  fileprivate mutating func translate(_ name: Names) {
    (repository, author, workType) = (name(repository), name(author), name(workType))
  }
}

extension ChangeFact {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    labels.translate(name)
    reverts = reverts.map(id)
    issue = issue.map(id)
  }
}

extension DeployFactTarget {
  fileprivate mutating func translate(_ name: Names) {
    (service, environment, repository) = (name(service), name(environment), name(repository))
  }
}

extension DeployFact {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    target.translate(name)
    previous = previous.map(id)
  }
}

extension DeliveredChange {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    target.translate(name)
    change = id(change)
    labels.translate(name)
  }
}

extension IncidentFact {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    (service, environment, repository, severity) = (name(service), name(environment), name(repository), name(severity))
    cause = cause.map(id)
  }
}

extension IssueFact {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    (project, type) = (name(project), name(type))
    for index in statuses.indices { statuses[index].status = name(statuses[index].status) }
  }
}

extension RunFact {
  fileprivate mutating func translate(_ id: IDs, _ name: Names) {
    self.id = id(self.id)
    (repository, workflow, job, runner) = (name(repository), name(workflow), name(job), name(runner))
    change = change.map(id)
  }
}
