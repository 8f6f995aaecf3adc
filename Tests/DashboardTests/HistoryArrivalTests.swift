import DeliveryMetrics
import Synchronization
import Testing
import ValueStreamCore

@testable import Dashboard

@Suite("Pages while history arrives")
struct HistoryArrivalTests {
  @Test(
    "the sentence says what is missing, and there is none for the few deliveries that are always on their way",
    arguments: [
      (0, false, 0, nil), (99, false, 0, nil),
      (100, false, 0, "History is arriving: 100 deliveries behind. Figures may still change."),
      (12_345, true, 0, "History is arriving: 12,345 deliveries behind. Figures may still change."),
      (
        UInt64.max, false, 1,
        "History is arriving: 9,223,372,036,854,775,807 deliveries behind, up to 1 stored item not counted yet. Figures may still change."
      ),
      (0, true, 0, "History is arriving: an import is running. Figures may still change."),
      (0, false, 3400, "History is arriving: up to 3,400 stored items not counted yet. Figures may still change."),
    ] as [(UInt64, Bool, Int, String?)])
  func sentences(behind: UInt64, isImporting: Bool, uncounted: Int, sentence: String?) {
    var arrival = HistoryArrival(unprojectedDeliveries: behind, isImporting: isImporting)
    arrival.uncountedItems = uncounted
    #expect(arrival.sentence == sentence)
  }

  @Test(
    "pages wait for the last deliveries, but not for a history that arrives",
    arguments: [(0, 1), (999, 1), (1000, 0)] as [(UInt64, Int)],
    ["/", "/flow", "/reports/lead_time"])
  func waiting(arrival: (UInt64, Int), address: String) throws {
    let waits = Mutex(0)
    let reports = Dashboard.Reports(
      facts: SampleFacts(), settings: ReportSettings(), waitForFacts: { waits.withLock { $0 += 1 } })
    let samples = try DashboardSamples(reports: reports, arrival: HistoryArrival(unprojectedDeliveries: arrival.0))
    #expect(samples.get(address).status == 200)
    #expect(waits.withLock(\.self) == arrival.1)
  }

  @Test(
    "every page says it and reads itself again soon, until all is there",
    arguments: ["/", "/flow", "/reports/lead_time", "/deploys", "/system", "/search", "/nowhere"])
  func pages(address: String) throws {
    var facts = SampleFacts()
    let quiet = try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings()))
    #expect(!quiet.text(address).contains("class=\"arrival\""))
    facts.remainingSubjects = 70
    for (samples, words) in [
      (try DashboardSamples(reports: .init(facts: facts, settings: ReportSettings())), "up to 70 stored items not counted yet"),
      (
        try DashboardSamples(
          reports: .init(facts: SampleFacts(), settings: ReportSettings()), arrival: HistoryArrival(unprojectedDeliveries: 5000)),
        "5,000 deliveries behind"
      ),
    ] {
      let page = try PageTree.of(samples.text(address))
      let main = try #require(page.first("main"))
      #expect(main.attributes["data-live"] == "5")
      // Live refresh replaces `main`, and with it the words.
      #expect(main.first("p", class: "arrival")?.text == "History is arriving: \(words). Figures may still change.")
      #expect(main.first("p", class: "arrival")?.attributes["role"] == "status")
    }
  }
}
