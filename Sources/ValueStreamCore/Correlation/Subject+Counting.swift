/// What counting needs to know of a subject, besides its spans.
extension Subject {
  /// Attempts up to this number were left out whole, because there were too many.
  package var leftOutAttemptCount: Int { droppedAttemptCount }

  /// Names of the phases that were told of it, without steps, which are parts of a run.
  package var phaseNames: Set<String> {
    var names: Set<String> = []
    for fact in facts {
      for phase in fact.event.phases where phase.track != "step" { names.insert(phase.name) }
    }
    return names
  }
}
