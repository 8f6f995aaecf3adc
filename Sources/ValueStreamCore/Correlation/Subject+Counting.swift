/// What metrics need to know of a subject besides its spans.
extension Subject {
  /// The number of the last attempt that was removed completely because the subject had too many.
  package var leftOutAttemptCount: Int { droppedAttemptCount }

  /// Names of all stated phases, without steps, because those are parts of a run.
  package var phaseNames: Set<String> {
    var names: Set<String> = []
    for fact in facts {
      for phase in fact.event.phases where phase.track != "step" { names.insert(phase.name) }
    }
    return names
  }
}
