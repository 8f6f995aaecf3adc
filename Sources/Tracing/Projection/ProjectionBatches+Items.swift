package import ValueStreamCore

extension ProjectionBatches {
  /// A delivery to project, either as intake passed it on or as read from the log.
  package enum Item: Sendable {
    case recorded(RecordedDelivery)
    case logged(LoggedDelivery, LogPosition)
    /// A delivery that is projected already, although an earlier one is not.
    case done(LogPosition)

    package var position: LogPosition {
      switch self {
      case .recorded(let delivery): delivery.position
      case .logged(_, let position), .done(let position): position
      }
    }

    package var logged: LoggedDelivery? {
      switch self {
      case .recorded(let delivery): delivery.logged
      case .logged(let logged, _): logged
      case .done: nil
      }
    }

    /// True if the delivery was imported; nil if it is projected already.
    package var isImported: Bool? {
      switch self {
      case .recorded(let delivery): delivery.logged.delivery.isImported
      case .logged(let logged, _): logged.delivery.isImported
      case .done: nil
      }
    }

    /// True if its events may take several steps. A delivery that was read from the log is projected as a whole.
    package var isLarge: Bool {
      if case .recorded(let delivery) = self { delivery.eventCount > ProjectionBatches.largeDelivery } else { false }
    }
  }
}
