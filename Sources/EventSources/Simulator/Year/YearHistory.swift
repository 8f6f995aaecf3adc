package import ValueStreamCore

/// Generates the webhook deliveries of a year in a company with four teams and the tools of five vendors.
///
/// Unlike ``HistoryGenerator`` it plans everything first. From the plan it writes deliveries, and counts the true delivery
/// metrics apart from them.
package final class YearHistory: Sequence, IteratorProtocol {
  private let plans: [YearPlan]
  private let configuration: HistoryConfiguration
  private var steps: [YearStep] = []
  private var position = 0
  private var random: SeededRandom
  private var last = Timestamp.epoch

  /// The greatest scale, with about a million spans. The plan of a year takes about 40 MB times the scale, here 2.4 GB.
  package static let greatestScale = 60.0

  /// The paths of all deliveries, which are also those of ``HistoryGenerator``.
  package static let paths = ["/github", "/gitlab", "/jira", "/jenkins", "/customhttp"]

  /// Creates a generator. The same configuration gives the same deliveries.
  package init(_ configuration: HistoryConfiguration) {
    self.configuration = configuration
    random = SeededRandom(seed: configuration.seed &* 0x2545_f491_4f6c_dd1d &+ 99)
    plans = (0..<configuration.teamCount).flatMap { copy in
      YearRepository.all.enumerated().map { index, repository in
        YearPlan(repository, number: copy * 4 + index, copy: copy, configuration: configuration)
      }
    }
    let until = configuration.until.after(-5)
    steps = plans.flatMap(Self.steps).filter { $0.time <= until && $0.time >= configuration.start }
    // A stable order, because steps at the same time stand in the order in which they happen.
    steps = steps.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
  }

  private static func steps(of plan: YearPlan) -> [YearStep] {
    var steps: [YearStep] = []
    switch plan.repository.forge {
    case .gitHub: steps += YearGitHub(plan).steps()
    case .gitLab: steps += YearGitLab(plan).steps()
    }
    if case .jira(let project) = plan.repository.tracker {
      let copy = plan.number / 4
      steps += YearJira(plan: plan, project: copy == 0 ? project : "\(project)\(copy + 1)").steps()
    }
    if case .jenkins = plan.repository.deployer { steps += YearJenkins(plan: plan).steps() }
    return steps + YearScripts(plan: plan).steps()
  }

  package func next() -> HistoryDelivery? {
    guard position < steps.count else { return nil }
    let step = steps[position]
    position += 1
    var json = JSONWriter(capacity: 2000)
    step.body(&json)
    var headers = step.headers
    if let name = step.idHeader { headers[name] = random.uuid() }
    let sent = step.time.after(random.between(0.1, 0.9)).milliseconds
    last = Swift.min(Swift.max(sent, last.advanced(byNanoseconds: 1_000_000)), configuration.until)
    return HistoryDelivery(path: step.path, headers: headers, body: json.bytes, time: last)
  }

  /// The number of deliveries.
  package var count: Int { steps.count }

  /// The true delivery metrics, counted from the plan.
  package var answers: YearAnswers { YearAnswers(plans, configuration) }
}
