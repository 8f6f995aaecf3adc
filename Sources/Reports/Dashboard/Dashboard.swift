package import DeliveryMetrics
package import QueryAPI
package import ValueStreamCore

/// The pages of vsd: one handler for all of their addresses.
///
/// Every page is HTML that needs no script. Its address holds its whole state. Reading is bounded: a page never reads more
/// than it shows, or than a fixed number of items.
package struct Dashboard: HTTPHandler {
  /// What the pages read.
  package struct Inputs: Sendable {
    var queries: SpanQueries
    var deliveries: DeliveryReading
    var status: @Sendable () throws -> DaemonStatus
    var arrival: @Sendable () -> HistoryArrival
    var reports: Reports?
    var exclusions: Exclusions?

    /// - Parameters:
    ///   - arrival: Returns how much is not projected yet. Every page asks, so it must be quick.
    ///   - reports: Nil if there are no delivery metrics; the overview and the reports are then left out.
    ///   - exclusions: Nil if items cannot be left out.
    ///   - status: Returns the state of the daemon and of its sources and exporters, for the pages Connect and System.
    package init(
      queries: SpanQueries, deliveries: DeliveryReading, reports: Reports? = nil, exclusions: Exclusions? = nil,
      arrival: @escaping @Sendable () -> HistoryArrival = { HistoryArrival() },
      status: @escaping @Sendable () throws -> DaemonStatus
    ) {
      self.queries = queries
      self.deliveries = deliveries
      self.status = status
      self.arrival = arrival
      self.reports = reports
      self.exclusions = exclusions
    }
  }

  /// What the pages of delivery metrics are computed from.
  package struct Reports: Sendable {
    var facts: any FactSource
    var settings: ReportSettings
    var zone: TimeZoneRules
    var waitForFacts: @Sendable () -> Void
    var isWorking: @Sendable () -> Bool
    let history: HistoryCache

    /// - Parameters:
    ///   - zone: The time zone in which the days of reports begin. Times on pages stay UTC.
    ///   - waitForFacts: Returns once the facts of every delivery acknowledged so far are computed, or after a timeout.
    ///   - isWorking: True while deliveries wait to be projected, or facts are computed that changed ones concern.
    ///   - history: May be shared with the API.
    package init(
      facts: any FactSource, settings: ReportSettings, zone: TimeZoneRules = .utc,
      waitForFacts: @escaping @Sendable () -> Void = {}, isWorking: @escaping @Sendable () -> Bool = { false },
      history: HistoryCache = HistoryCache()
    ) {
      self.facts = facts
      self.settings = settings
      self.zone = zone
      self.waitForFacts = waitForFacts
      self.isWorking = isWorking
      self.history = history
    }
  }

  /// The path prefix of stylesheet, script and icon. They hold no data, so anybody may read them.
  package static let assetPrefix = "/assets/"
  /// The exact paths of the pages.
  package var paths: [String] {
    ["/deploys", "/changes", "/search", "/deliveries", "/connect", "/system"]
      + (inputs.reports == nil ? [] : sections.filter(\.isMetric).map(\.address.text))
      + (inputs.exclusions == nil ? [] : [Self.exclusionsPath])
  }

  /// The path prefixes of pages about one item or number.
  package var prefixes: [String] {
    ["/deploys/", "/changes/", "/traces/", "/deliveries/"] + (inputs.reports == nil ? [] : ["/reports/", "/pipelines/"])
  }

  let inputs: Inputs
  /// Answers the questions of pages of metrics in other formats. Nil without delivery metrics.
  let api: ReportHandler?
  let base: String
  let signOutToken: @Sendable (HTTPRequest) -> String?

  /// Creates the pages.
  ///
  /// - Parameters:
  ///   - base: What stands before every path in links: empty, or a path such as `/valuestream` behind a proxy.
  ///   - signOutToken: Returns the value for the sign-out form; nil if the reader did not sign in.
  package init(_ inputs: Inputs, base: String = "", signOutToken: @escaping @Sendable (HTTPRequest) -> String? = { _ in nil }) {
    self.inputs = inputs
    api = inputs.reports.map { reports in
      ReportHandler(
        ReportQueries(
          facts: reports.facts, store: inputs.queries.store, clock: inputs.queries.clock, logger: inputs.queries.logger,
          defaults: ReportDefaults(settings: reports.settings, zone: reports.zone), waitForFacts: reports.waitForFacts,
          isWorking: reports.isWorking))
    }
    self.base = base
    self.signOutToken = signOutToken
  }

  /// The pages of the navigation.
  var sections: [PageFrame.Section] { PageFrame.Section.allCases.filter { !$0.isMetric || inputs.reports != nil } }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    if request.path.hasPrefix(Self.assetPrefix) {
      return Asset.respond(to: request, name: request.path.dropFirst(Self.assetPrefix.count))
    }
    let context = PageContext(self, request)
    do {
      return try page(context)
    } catch let error as PageError {
      return context.errorPage(error)
    } catch let error as LookupError {
      return context.errorPage(PageError(error))
    } catch let error as ReportError {
      return context.errorPage(PageError(400, error.description))
    } catch {
      inputs.queries.logger.error("cannot answer \(request.path): \(error)")
      let isRetryable = (error as? StoreError)?.isRetryable ?? false
      let detail = "The store cannot be read. The log of vsd says why."
      return context.errorPage(PageError(isRetryable ? 503 : 500, detail))
    }
  }

  private func page(_ context: PageContext) throws -> HTTPResponse {
    // A last slash is a slip of the hand, not another address.
    let path = context.request.path
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    switch parts.first {
    case nil:
      guard let reports = inputs.reports else { break }
      return try OverviewPage(context, reports).respond()
    case "reports" where parts.count == 2:
      guard let reports = inputs.reports else { break }
      return try ReportPage(context, reports).respond(name: String(parts[1]))
    case "lead-time" where parts.count == 1: return try metricPage { try LeadTimePage(context, $0).respond() }
    case "flow" where parts.count == 1: return try metricPage { try FlowPage(context, $0).respond() }
    case "ageing" where parts.count == 1: return try metricPage { try AgeingPage(context, $0).respond() }
    case "forecast" where parts.count == 1: return try metricPage { try ForecastPage(context, $0).respond() }
    case "reviews" where parts.count == 1: return try metricPage { try ReviewsPage(context, $0).respond() }
    case "incidents" where parts.count == 1: return try metricPage { try IncidentsPage(context, $0).respond() }
    case "pipelines": return try metricPage { try PipelinesPage(context, $0).respond() }
    case "traces" where parts.count == 2: return try TracePage(context).respond(name: String(parts[1]))
    case "changes" where parts.count == 1: return try ItemListPage(context, .changes).respond()
    case "deploys" where parts.count == 1: return try ItemListPage(context, .deploys).respond()
    // A key may hold a slash, which arrives decoded.
    case "changes": return try TracePage(context).respond(item: String(path.dropFirst("/changes/".count)), in: .changes)
    case "deploys": return try TracePage(context).respond(item: String(path.dropFirst("/deploys/".count)), in: .deploys)
    case "search" where parts.count == 1: return try SearchPage(context).respond()
    case "deliveries" where parts.count == 1: return try DeliveriesPage(context).respond()
    case "deliveries" where parts.count == 2: return try DeliveriesPage(context).respond(id: String(parts[1]))
    case "connect" where parts.count == 1: return try ConnectPage(context).respond()
    case "system" where parts.count == 1: return try SystemPage(context).respond()
    case "exclusions" where parts.count == 1:
      guard let exclusions = inputs.exclusions else { break }
      return try ExclusionsPage(context, exclusions).respond()
    default: break
    }
    throw Self.noPage(at: path)
  }

  private static func noPage(at path: String) -> PageError { PageError(404, "There is no page at \(path.prefix(200)).") }

  private func metricPage(_ page: (Reports) throws -> HTTPResponse) throws -> HTTPResponse {
    guard let reports = inputs.reports else { throw PageError(404, "This page needs delivery metrics, which are off.") }
    return try page(reports)
  }
}

extension PageError {
  init(_ error: LookupError) {
    switch error {
    case .unknown(let detail): self.init(404, detail)
    case .ambiguous(let name, let candidates):
      self.init(409, "Several items are called \(name). Choose one by its key.")
      links = candidates.prefix(50).map { ($0.description, Address("search").adding("q", $0.description)) }
    }
  }
}
