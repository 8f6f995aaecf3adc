/// An incident, with the deploy that caused it.
public struct IncidentFact: Fact {
  public static let kind = FactKind.incident

  public var id: FactID
  public var service: FactName
  public var environment: FactName
  public var repository: FactName
  public var severity: FactName
  /// When the incident began, and when it was reported.
  public var began: Timestamp
  public var detected: Timestamp
  /// Nil while the incident is open.
  public var resolved: Timestamp?
  /// True if no delivery states when the incident was resolved. `resolved` is then the latest time known.
  public var isResolutionUnknown: Bool
  /// The deploy that caused the incident, and its attempt.
  public var cause: FactID?
  public var causeAttempt: UInt16
  public var basis: CauseBasis

  public enum CauseBasis: UInt8, Sendable, Hashable {
    case unknown = 0
    /// An event names the deploy.
    case stated = 1
    /// It is the latest deploy of the service before the incident began.
    case latestDeploy = 2
  }

  public var day: FactDay? { resolved == nil ? nil : FactDay(began) }

  public init(
    id: FactID, service: FactName = .none, environment: FactName = .none, repository: FactName = .none,
    severity: FactName = .none, began: Timestamp, detected: Timestamp, resolved: Timestamp? = nil,
    isResolutionUnknown: Bool = false, cause: FactID? = nil, causeAttempt: UInt16 = 0, basis: CauseBasis = .unknown
  ) {
    self.id = id
    self.service = service
    self.environment = environment
    self.repository = repository
    self.severity = severity
    self.began = began
    self.detected = detected
    self.resolved = resolved
    self.isResolutionUnknown = isResolutionUnknown
    self.cause = cause
    self.causeAttempt = causeAttempt
    self.basis = basis
  }

  public func write(to writer: inout FactWriter) {
    writer.put(id)
    for name in [service, environment, repository, severity] { writer.put(name) }
    writer.put(began)
    writer.put(detected)
    writer.put(resolved)
    writer.put(cause)
    writer.put(causeAttempt)
    writer.put(basis.rawValue | (isResolutionUnknown ? Self.resolutionUnknownBit : 0))
  }

  public init(from reader: inout FactReader) throws(DamagedFact) {
    id = try reader.id()
    service = try reader.name()
    environment = try reader.name()
    repository = try reader.name()
    severity = try reader.name()
    began = try reader.time()
    detected = try reader.time()
    resolved = try reader.optionalTime()
    cause = try reader.optionalID()
    causeAttempt = try reader.value()
    let bits: UInt8 = try reader.value()
    isResolutionUnknown = bits & Self.resolutionUnknownBit != 0
    guard let basis = CauseBasis(rawValue: bits & ~Self.resolutionUnknownBit) else { throw DamagedFact() }
    self.basis = basis
  }

  /// Stored with the basis. Rows of older versions have it clear.
  private static let resolutionUnknownBit: UInt8 = 1 << 7
}
