import DeliveryCounters
import DeliveryGauges
import Foundation
import Intake
import Testing
import ValueStreamCore

@testable import Projection
@testable import SQLiteStore
@testable import vsd
@testable import vsperf

@Suite("What the documentation must name")
struct ReferenceTests {
  private static let commandDeclarations = CommandTable.all.commands.flatMap(\.declarations)

  @Test("Flags and variables that any page names exist", arguments: MarkdownPage.all)
  func mentionedSettings(page: MarkdownPage) {
    let declarations = DaemonSettings.declarations + Self.commandDeclarations
    let variables = Set(declarations.flatMap { [$0.environment] + $0.otherVariables })
    for match in page.text.matches(of: /\b(?:VS|OTEL)_[A-Z_]*[A-Z]\b/) where match.output != "VS_RECORD_GOLDEN" {
      #expect(variables.contains(String(match.output)), "\(page.path) names \(match.output)")
    }
    let flags = Set(declarations.flatMap { [$0.name] + $0.aliases } + ["help", "version"])
    for match in page.text.matches(of: /`--([a-z][a-z-]+)/) {
      #expect(flags.contains(String(match.output.1)), "\(page.path) names --\(match.output.1)")
    }
  }

  @Test("Every source has a page that names its route, and stands in Docs/sources/README.md")
  func sources() throws {
    let settings = try DaemonSettings(arguments: [], environment: [:]) { _ in nil }
    let pages = MarkdownPage.all.filter { $0.path.hasPrefix("Docs/sources/") }
    let list = try MarkdownPage.page("Docs/sources/README.md")
    #expect(!settings.sources.isEmpty)
    for source in settings.sources {
      #expect(pages.contains { $0.text.contains("`POST \(source.route)`") }, "no page says `POST \(source.route)`")
      #expect(!list.rows(for: source.route).isEmpty, "Docs/sources/README.md has no row for \(source.route)")
    }
  }

  @Test("A line that lists the sources lists them all")
  func listsOfSources() throws {
    let names = try DaemonSettings(arguments: [], environment: [:]) { _ in nil }.sources.map(\.name)
    for page in MarkdownPage.all {
      for line in page.text.split(separator: "\n") {
        let missing = names.filter { !line.contains($0) }
        // The two sources of no vendor stand beside each other only in lists.
        if line.contains("customhttp"), line.contains("cdevents") {
          #expect(missing.isEmpty, "\(page.path) lists sources without \(missing.listed("and")): \(line)")
        }
      }
    }
  }

  @Test("Every tracer has a page, and a row in Docs/exporters/README.md")
  func tracers() throws {
    let list = try MarkdownPage.page("Docs/exporters/README.md")
    for tracer in TracerCatalog.names {
      #expect(!list.rows(for: tracer).isEmpty, "Docs/exporters/README.md has no row for \(tracer)")
      guard tracer != TracerCatalog.none else { continue }
      #expect(list.links.contains { $0.hasPrefix("\(tracer).md") }, "\(tracer) has no page")
    }
  }

  @Test("Docs/operate/metrics.md names every metric with its type, unit and labels, and no other")
  func metrics() throws {
    // The address of GitHub is one where nobody answers.
    let daemon = try RunningDaemon(
      ["--settle=0s", "--metric-branches", "--heal=acme", "--heal-domain=http://127.0.0.1:1", "--public-url=http://127.0.0.1"],
      environment: ["VS_HEAL_TOKEN": "x"])
    // A generated history covers every kind of event. Another one ends now, for the gauges of the last 30 days, with a failure
    // that ended and one that lasts. The query for spans waits until all earlier deliveries are counted. The gauges of failures
    // come last.
    let scraped = try daemon.run(
      """
      vsperf generate history --seed 1 --days 5 --scale 0.3 --until 2025-06-17T18:00:00Z --send http://\(daemon.address) 2>sent
      vsperf generate history --story year --seed 3 --days 21 --scale 0.1 --send http://\(daemon.address) 2>sent
      day() { date -u -d "$1 days ago" +%Y-%m-%dT00:00:00Z; }
      for n in 9 6; do
        event='"namespace": "acme", "service": "till", "environment": "production"'
        end=", \\"endedAt\\": \\"$(day $((n - 2)))\\""
        [ $n = 9 ] || end=
        curl -s -o answer http://\(daemon.address)/customhttp -d "{\\"id\\": \\"d$n\\", \\"type\\": \\"deploy\\", $event,
          \\"startedAt\\": \\"$(day $((n + 1)))\\", \\"endedAt\\": \\"$(day $n)\\"}"
        curl -s -o answer http://\(daemon.address)/customhttp -d "{\\"id\\": \\"i$n\\", \\"type\\": \\"incident\\", $event,
          \\"startedAt\\": \\"$(day $((n - 1)))\\"$end}"
      done
      curl -s -o answer http://\(daemon.address)/api/v1/spans
      for n in $(seq 100); do
        curl -s http://\(daemon.address)/metrics >scraped
        grep -q '^valuestream_dora_overall_open_failure_oldest_seconds ' scraped && break
        sleep 0.2
      done
      sleep 0.2
      curl -s http://\(daemon.address)/metrics
      """)
    let page = try MarkdownPage.page("Docs/operate/metrics.md")
    var families: [String: String] = [:]
    for match in scraped.matches(of: /(?m)^# TYPE ([^ ]+) ([^ ]+)$/) {
      families[String(match.output.1)] = String(match.output.2)
    }
    #expect(families.count > 30, "\(scraped)")
    for (name, type) in families {
      let row = try #require(page.rows(for: name).first, "\(name) is not in the table")
      try #require(row.count == 5, "\(name)")
      #expect(row[1] == type, "\(name) is a \(type)")
      for unit in ["seconds", "bytes"] { #expect((row[2] == unit) == name.hasSuffix("_\(unit)"), "\(name) in \(row[2])") }
      #expect(!row[2].isEmpty && !row[4].isEmpty, "\(name) has no unit, or no answer")
      // Labels appear with the first series of a family. By now every family has one.
      let sample = try #require(
        scraped.split(separator: "\n").first { line in
          ["{", " ", "_bucket{", "_bucket "].contains { line.hasPrefix(name + $0) }
        }, "\(name) has no series")
      let labels = sample.matches(of: /[{,]([a-z_]+)="/).map { String($0.output.1) }.filter { $0 != "le" }
      #expect(Set(row[3].matches(of: /`([a-z_]+)`/).map { String($0.output.1) }) == Set(labels), "\(name)")
    }
    for row in page.tableRows {
      for match in row[0].matches(of: /`((?:valuestream|webhooks|cicd|vcs)_[a-z0-9_]+)`/) {
        #expect(families[String(match.output.1)] != nil, "there is no \(match.output.1)")
      }
    }
  }

  @Test("An end waits a minute before it is counted, as Docs/operate/metrics.md says")
  func gracePeriod() throws {
    let settings = try DaemonSettings(arguments: [], environment: [:]) { _ in nil }
    #expect(settings.countGrace == .seconds(60))
    let text = try MarkdownPage.page("Docs/operate/metrics.md").text
    #expect(text.contains("\(CounterSettings.countGraceFactor) times `--settle`, a minute by default"))
  }

  @Test("Docs/operate/upgrade.md says up to which version a store is known")
  func storeVersion() throws {
    let text = try MarkdownPage.page("Docs/operate/upgrade.md").text
    #expect(
      text.contains("a \(StoreSchema.spanStore.name) of version 99; this program knows up to \(StoreSchema.spanStore.version)\n"))
  }

  @Test("Every route that is served stands in Docs/query/http-api.md")
  func routes() throws {
    let page = try MarkdownPage.page("Docs/query/http-api.md")
    let routes = [
      "/metrics", "/healthz", "/readyz", "/api/v1/spans", "/api/v1/spans/{key}", "/api/v1/traces", "/api/v1/traces/{traceID}",
      "/api/services", "/api/operations", "/api/traces", "/api/dependencies", "/api/v1/deliveries", "/api/v1/deliveries/{id}",
      "/api/v1/refusals", "/api/v1/stats", "/api/v1/openapi.json", "/api/v1/reports/{report}",
      "/api/v1/reports/{report}/{metric}/evidence",
      "/mocktracer/finished-spans", "/mocktracer/reset",
    ]
    let settings = try DaemonSettings(arguments: [], environment: [:]) { _ in nil }
    for route in routes + settings.sources.map(\.route) {
      #expect(!page.rows(for: route).isEmpty, "no row for \(route)")
    }
  }

  @Test("The limits in Docs/operate/limits.md are those of the code")
  func limits() throws {
    let (http, recorder, projector) = (HTTPLimits(), DeliveryRecorder.Limits(), Projector.Configuration())
    let gauges = DeliveryGauges.Limits()
    let expected = [
      ("one body", "\(http.bodyBytes >> 20) MiB"), ("all bodies", "\(http.totalBodyBytes >> 20) MiB"),
      ("wait for the disk", "\(Self.grouped(recorder.deliveries)), or \(recorder.bytes >> 20) MiB"),
      ("connections of one listener", Self.grouped(http.connections)),
      ("without a byte", "\(http.idle.components.seconds) seconds"),
      ("a request, from", "\(http.request.components.seconds) seconds"),
      ("an answer that is not read", "\(http.answer.components.seconds) seconds"),
      ("requests for API", "\(http.waitingForWorkers), answered by two threads"),
      ("to be projected", "\(Self.grouped(projector.queueLimit)), or \(projector.queueByteLimit >> 20) MiB"),
      ("facts of one subject", "\(Self.grouped(Subject.factLimit)), or \(Subject.byteLimit >> 20) MiB"),
      ("size of one event", "\(Event.byteLimit >> 10) KiB: \(Event.Limit.attributes) attributes"),
      ("size of one event", "texts of \(Self.grouped(Event.Limit.textBytes)) bytes"),
      ("size of one event", "\(Event.Limit.phases) phases, \(Event.Limit.spanEvents) span events, \(Event.Limit.links) links"),
      ("size of one event", "\(Event.Limit.marks) starts and ends"),
      ("names that one event publishes", "\(Event.Limit.aliases)"),
      ("names that one event follows", "\(Event.Limit.followed)"),
      ("a key or a name", "\(Self.grouped(Event.Limit.referenceBytes)) bytes"),
      ("one name in common", "\(Correlator.publisherLimit)"),
      ("on one day", Self.grouped(TraceReader.dayLimit)),
      ("merged to one branch", Self.grouped(TraceReader.dayLimit)),
      ("to find the one before", Self.grouped(TraceReader.earlierDeployLimit)),
      ("branches to one commit", Self.grouped(TraceReader.branchMoveLimit)),
      ("considered for one deploy", Self.grouped(TraceReader.changeLimit)),
      ("to find the children", Self.grouped(TraceReader.followerLimit)),
      ("compared again", "\(ProjectionMetrics.comparedAgain)"),
      ("ancestors of a span", "\(TraceRoot.depthLimit)"),
      ("measured in one step", Self.grouped(ProjectionBatches.countedAtOnce)),
      (
        "DORA gauges",
        "\(Self.grouped(gauges.pairs)) pairs, of the \(gauges.environments) environments with the most deploys"
      ),
      ("bytes of a label value", Self.grouped(MetricFamily.labelByteLimit)),
    ]
    let rows = try MarkdownPage.page("Docs/operate/limits.md").tableRows.filter { $0.count == 3 }
    for (name, value) in expected {
      #expect(rows.contains { $0[0].contains(name) && $0[1].contains(value) }, "\(name): \(value)")
    }
    #expect(http.workers == 2)
  }

  /// Formats a number with a thousands separator, such as `16,384`.
  private static func grouped(_ number: Int) -> String {
    number < 1000 ? "\(number)" : "\(number / 1000),\(String("\(number)".suffix(3)))"
  }

  @Test("Exit codes of vsperf --help stand in Docs/cli/README.md")
  func commandExitCodes() throws {
    let text = try MarkdownPage.page("Docs/cli/README.md").text
    let codes = CommandHelp.exitCodes.matches(of: /\b(\d+)\b/).map(\.output.1)
    #expect(codes.count == 8)
    for code in codes { #expect(text.contains(" \(code) "), "\(code)") }
  }

  @Test("Exit codes of --help stand in Docs/operate/troubleshooting.md")
  func exitCodes() throws {
    let page = try MarkdownPage.page("Docs/operate/troubleshooting.md")
    for match in HelpPage.text.split(separator: "Exit codes:").last?.matches(of: /\b(\d+)\b/) ?? [] {
      #expect(page.tableRows.contains { $0.first == String(match.output.1) }, "no row for \(match.output.1)")
    }
  }
}
