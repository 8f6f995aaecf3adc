import Foundation
import Testing
import ValueStreamCore

@testable import vsd

/// Compares packaging files that no test can run with the code that they start.
@Suite("Packaging")
struct PackagingTests {
  private static func text(_ path: String) throws -> String {
    try String(contentsOf: MarkdownPage.root.appendingPathComponent(path), encoding: .utf8)
  }

  private static func yamlFiles() throws -> [String] {
    ["docker-compose.yml", "docker-compose.ha.yml", "Packaging/prometheus.yml", rules, "Packaging/prometheus-rules-test.yml"]
      + ["datasources", "dashboards"].map { "Packaging/grafana/provisioning/\($0)/valuestream.yml" }
  }

  private static let rules = "Packaging/prometheus-rules.yml"

  @Test(
    "variables and flags of vsd that files set exist",
    arguments: ["docker-compose.yml", "docker-compose.ha.yml", "Dockerfile", "Packaging/valuestream.service"])
  func settings(path: String) throws {
    let text = try Self.text(path)
    let variables = Set(DaemonSettings.declarations.map(\.environment))
    for match in text.matches(of: /\bVS_[A-Z_]+\b/) { #expect(variables.contains(String(match.output)), "\(match.output)") }
    let flags = Set(DaemonSettings.declarations.map(\.name))
    for line in text.split(separator: "\n") where line.contains("/vsd --") {
      for match in line.matches(of: /--([a-z-]+)/) { #expect(flags.contains(String(match.output.1)), "\(line)") }
    }
  }

  @Test("files that are mounted or copied exist, and data sources that are named are there")
  func files() throws {
    let compose = try Self.text("docker-compose.yml")
    let mounted = compose.matches(of: #/(?m)^ +- \./([^:]+):/#).map { String($0.output.1) }
    let copied = try Self.text("Dockerfile").matches(of: #/(?m)^COPY ([^-\s]\S*) /#).map { String($0.output.1) }
    #expect(mounted.count == 4 && copied.count == 3)
    for path in mounted + copied + ["Package.swift"] {
      #expect(FileManager.default.fileExists(atPath: MarkdownPage.root.appendingPathComponent(path).path), "\(path)")
    }
    let ignored = try Self.text(".dockerignore")
    for path in copied { #expect(ignored.contains("!\(path)\n"), "\(path) is kept from the image") }
    let sources = try Self.text("Packaging/grafana/provisioning/datasources/valuestream.yml")
    let names = Set(sources.matches(of: /(?m)^    uid: (\S+)$/).map { String($0.output.1) })
    for match in sources.matches(of: /datasourceUid: (\S+)/) { #expect(names.contains(String(match.output.1))) }
    let folder = try Self.text("Packaging/grafana/provisioning/dashboards/valuestream.yml").firstMatch(of: /path: (\S+)/)
    #expect(compose.contains("./Docs/operate/dashboards:\(folder?.output.1 ?? ""):ro"))
  }

  @Test("ports are those that are listened on")
  func ports() throws {
    let docker = try Self.text("Dockerfile")
    let compose = try Self.text("docker-compose.yml")
    for line in ["VS_ADDR=:5000", "EXPOSE 5000", "http://127.0.0.1:5000/healthz"] { #expect(docker.contains(line), "\(line)") }
    for line in ["VS_ADMIN_ADDR: \":5001\"", "127.0.0.1:5000:5000", "127.0.0.1:5001:5001", "http://jaeger:4318"] {
      #expect(compose.contains(line), "\(line)")
    }
    #expect(try Self.text("Packaging/prometheus.yml").contains("vsd:5001"))
    // All published ports are bound to loopback.
    for match in compose.matches(of: /(?m)^ +- "([0-9.:]+)"$/) { #expect(match.output.1.hasPrefix("127.0.0.1:")) }
  }

  @Test("the balancer knows each vsd of its example, on the ports that these listen on, and asks what vsd answers")
  func balancer() throws {
    let compose = try Self.text("docker-compose.ha.yml")
    let balancer = try Self.text("Packaging/haproxy.cfg")
    let daemons = compose.matches(of: /(?m)^  (vsd-\d): \*vsd$/).map { String($0.output.1) }
    #expect(daemons.count == 2)
    for port in ["5000", "5001"] {
      #expect(balancer.contains("bind :\(port)\n") && compose.contains("\"127.0.0.1:\(port):\(port)\""))
      for name in daemons { #expect(balancer.contains("server \(name) \(name):\(port)\n")) }
    }
    #expect(balancer.contains("GET /readyz"))
    #expect(compose.contains("VS_ADMIN_ADDR: \":5001\"") && compose.contains("./Packaging/haproxy.cfg:"))
    #expect(compose.contains("VS_STORE: postgres://") && !compose.contains("VS_STORE: postgres://valuestream:"))
    for match in compose.matches(of: /(?m)^ +- "([0-9.:]+)"$/) { #expect(match.output.1.hasPrefix("127.0.0.1:")) }
  }

  @Test("HAProxy reads its configuration", .enabled(if: run("haproxy", "-v").code == 0))
  func balancerConfiguration() {
    let path = MarkdownPage.root.appendingPathComponent("Packaging/haproxy.cfg").path
    let check = Self.run("haproxy", "-c", "-f", path)
    #expect(check.code == 0, "\(check.output)")
  }

  @Test("the image is built with all libraries that a build needs")
  func libraries() throws {
    let docker = try Self.text("Dockerfile")
    for match in try Self.text("Scripts/bootstrap").matches(of: /(?m)^all +(?:command|module):\S+ +(\S+)/) {
      #expect(docker.contains(" \(match.output.1) "), "\(match.output.1)")
    }
  }

  @Test("files for compose, Grafana and Prometheus are YAML", .enabled(if: run("python3", "-c", "import yaml").code == 0))
  func yaml() throws {
    for path in try Self.yamlFiles() {
      let parsed = Self.run(
        "python3", "-c", "import sys, yaml; yaml.safe_load(open(sys.argv[1]))",
        MarkdownPage.root.appendingPathComponent(path).path)
      #expect(parsed.code == 0, "\(path): \(parsed.output)")
    }
  }

  @Test("Prometheus reads its configuration", .enabled(if: run("promtool", "--version").code == 0))
  func prometheus() {
    let check = Self.run("promtool", "check", "config", MarkdownPage.root.appendingPathComponent("Packaging/prometheus.yml").path)
    #expect(check.code == 0, "\(check.output)")
  }

  @Test("alerts are rules of Prometheus, and fire when they should", .enabled(if: run("promtool", "--version").code == 0))
  func alerts() throws {
    for arguments in [["check", "rules", Self.rules], ["test", "rules", "Packaging/prometheus-rules-test.yml"]] {
      let check = Self.run(
        "promtool", arguments[0], arguments[1], MarkdownPage.root.appendingPathComponent(arguments[2]).path)
      #expect(check.code == 0, "\(check.output)")
    }
  }

  @Test("every alert has a unit test and a row in Docs/operate/alerts.md, and asks for metrics that exist")
  func alertNames() throws {
    let rules = try Self.text(Self.rules)
    let names = rules.matches(of: /- alert: (\w+)/).map { String($0.output.1) }
    #expect(names.count > 10 && Set(names).count == names.count)
    let page = try MarkdownPage.page("Docs/operate/alerts.md")
    let tests = try Self.text("Packaging/prometheus-rules-test.yml")
    for name in names {
      #expect(page.rows(for: name).count == 1, "\(name)")
      #expect(tests.contains(name), "\(name)")
    }
    for row in page.tableRows.dropFirst() {
      for match in row[0].matches(of: /`(\w+)`/) { #expect(names.contains(String(match.output.1)), "\(match.output.1)") }
    }
    let metrics = try MarkdownPage.page("Docs/operate/metrics.md")
    for match in rules.matches(of: /\bvaluestream_[a-z0-9_]+/) {
      #expect(!metrics.rows(for: String(match.output)).isEmpty, "\(match.output)")
    }
  }

  @Test(
    "systemd knows every line of the unit, and finds it confined", .enabled(if: run("systemd-analyze", "--version").code == 0))
  func unit() throws {
    // systemd checks that the program exists, but the test machine need not have vsd installed.
    let unit = try Self.text("Packaging/valuestream.service").replacing("/usr/local/bin/vsd", with: "/bin/true")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vsd-unit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("valuestream.service").path
    try unit.write(toFile: path, atomically: true, encoding: .utf8)
    let verified = Self.run("systemd-analyze", "verify", path)
    #expect(verified.code == 0 && !verified.output.contains("valuestream.service"), "\(verified.output)")
    // The threshold is in tenths: 100 means no protection.
    let judged = Self.run("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
    #expect(judged.code == 0, "\(judged.output)")
  }

  static func run(_ arguments: String...) -> (code: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    guard (try? process.run()) != nil else { return (127, "") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}
