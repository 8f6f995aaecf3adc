import DeliveryMetrics
import Testing
import ValueStreamCore

@Suite struct ListReportTests {
  @Test("The events of a window are its releases, the failed ones marked, and the incidents that ended in it or last")
  func events() throws {
    var facts = TestFacts()
    facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13), step: .first)
    facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    facts.deploy("shop", 1, began: at(1, 6, 14), ended: at(1, 6, 15), step: .rollback)
    facts.deploy("shop", 3, began: at(1, 7), ended: at(1, 7, 13), outcome: .failure)
    facts.deploy("cart", 4, began: at(1, 8), ended: nil, outcome: .running)
    facts.incident(began: at(1, 6, 13, 30), resolved: at(1, 6, 16))
    facts.incident("cart", began: at(1, 9), resolved: nil)
    let frame = ReportFrame(window: january.window, comparison: .none, now: january.now)
    for rules in [FailureRule.usual, Set(FailureRule.allCases)] {
      let events = try DeliveryEvents(DORAQuery(frame: frame, settings: ReportSettings(failureRules: rules)), from: facts)
      let failed = rules.contains(.failed) ? [at(1, 6, 13), at(1, 7, 13)] : [at(1, 6, 13)]
      #expect(events.releases.filter(\.isFailed).map(\.ended).sorted() == failed)
      #expect(events.releases.filter { !$0.isFailed }.map(\.ended).sorted() == [at(1, 5, 13), at(1, 6, 15)])
      #expect(events.incidents.map(\.began) == [at(1, 9), at(1, 6, 13, 30)])
      #expect(events.incidents.map(\.resolved) == [nil, at(1, 6, 16)])
    }
  }

  @Test("Deploys are listed with step, verdict, rule and remedy, the newest first, page by page")
  func deploys() throws {
    var facts = TestFacts()
    let first = facts.deploy("shop", 1, began: at(1, 5), ended: at(1, 5, 13), step: .first)
    let bad = facts.deploy("shop", 2, began: at(1, 6), ended: at(1, 6, 13))
    let back = facts.deploy("shop", 1, began: at(1, 6, 14), ended: at(1, 6, 15), step: .rollback)
    let failed = facts.deploy("shop", 3, began: at(1, 7), ended: at(1, 7, 13), outcome: .failure)
    facts.deploy("shop", 3, to: "staging", began: at(1, 7), ended: at(1, 7, 13))
    let running = facts.deploy("shop", 4, began: at(1, 8), ended: nil, outcome: .running)
    let report = try DeploysReport(DeploysQuery(frame: january), from: facts)
    #expect(report.rows.map(\.deploy) == [running, failed, back, bad, first])
    #expect(report.rows.map(\.release?.verdict) == [nil, nil, .ok, .failed, .ok])
    let row = report.rows[3]
    #expect(row.release?.rules == [.rollback])
    #expect(row.release?.remediedBy == back)
    #expect(row.release?.recovered == at(1, 6, 15))
    #expect(report.rows[2].release?.rework == [.rollback])
    #expect((row.service, row.environment, row.isProduction) == ("shop", "production", true))
    let page = try DeploysReport(DeploysQuery(frame: january, limit: 2), from: facts)
    let rest = try DeploysReport(DeploysQuery(frame: january, cursor: page.next, limit: 9), from: facts)
    #expect(page.rows.map(\.deploy) + rest.rows.map(\.deploy) == report.rows.map(\.deploy))
    #expect(rest.next == nil)
    #expect(try DeploysReport(DeploysQuery(frame: january, includesAllEnvironments: true), from: facts).total == 6)
  }

  @Test("What a deploy brought comes with lead times and traits")
  func brought() throws {
    var facts = TestFacts()
    let one = facts.change(firstCommit: at(1, 5, 10), merged: at(1, 5, 11), traits: .isHotfix)
    let two = facts.change(merged: at(1, 5, 12))
    let deploy = facts.deploy("shop", 1, began: at(1, 5, 12), ended: at(1, 5, 13), brings: [one, two.repeated])
    let rows = try DeploysReport.changes(of: deploy, attempt: 1, from: facts).rows
    #expect(rows.map(\.id) == [two.id, one.id])
    #expect(rows.map(\.value) == [nil, 3 * hour])
    #expect(rows.map(\.reasons) == [["repeated"], ["hotfix"]])
  }

  @Test("Changes are counted by state and trait, and listed with their first release")
  func changes() throws {
    var facts = TestFacts()
    let merged = facts.change(firstCommit: at(1, 5, 10), merged: at(1, 5, 11), workType: "Bug", size: 50)
    let push = facts.change(merged: at(1, 6), traits: [.isDirect, .isByBot])
    let open = facts.change("acme/cart", opened: at(1, 7), state: .open)
    let closed = facts.change(opened: at(1, 7), state: .abandoned, abandoned: at(1, 9))
    _ = facts.change(merged: at(2, 6))
    facts.deploy("shop", 1, to: "staging", began: at(1, 5, 12), ended: at(1, 5, 13), brings: [merged])
    let deploy = facts.deploy("shop", 1, began: at(1, 5, 14), ended: at(1, 5, 15), brings: [merged])
    let report = try ChangesReport(ChangesQuery(frame: january), from: facts)
    #expect((report.counts.merged, report.counts.open, report.counts.abandoned) == (2, 1, 1))
    #expect((report.counts.direct, report.counts.byBots) == (1, 1))
    #expect(report.previous?.merged == 0)
    #expect(report.rows.map(\.change) == [closed.id, open.id, push.id, merged.id])
    let row = report.rows[3]
    #expect((row.releasedBy, row.leadTimeSeconds, row.workType) == (deploy, 5 * hour, "Bug"))
    #expect(row.sizeClass == .upTo100)
    let bugs = ReportScope(workTypes: [NamePattern("bug")])
    #expect(try ChangesReport(ChangesQuery(frame: january, scope: bugs), from: facts).total == 1)
    #expect(try ChangesReport(ChangesQuery(frame: january, state: .open), from: facts).rows.map(\.change) == [open.id])
  }
}
