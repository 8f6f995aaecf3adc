import Testing
import ValueStreamTesting

@Suite("Sizes of answers")
struct AnswerSizeTests {
  @Test("the first page with all its files stays below 30 kB with gzip, and the API is compressed, too")
  func firstPage() throws {
    let vsd = try VSDProcess(["--store=memory", "--tracer=none"])
    let sent = try VSPerf.run([
      "generate", "history", "--story=year", "--seed=2", "--days=30", "--scale=0.1", "--connections=4", "--send",
      "http://127.0.0.1:\(vsd.ports[0])",
    ])
    #expect(sent.exit == .code(0), "\(sent.errors)")
    try vsd.waitForAllFacts()
    func size(_ path: String, type: String = "text/html") throws -> Int {
      let headers = ["Accept-Encoding": "gzip, deflate, br", "Accept": type]
      let response = try vsd.get(path, headers: headers)
      #expect(response.status == 200 && response.headers["content-encoding"] == "gzip", "\(path): \(response.headers)")
      let length = try #require(response.headers["content-length"].flatMap { Int($0) })
      let plain = try vsd.get(path, headers: ["Accept": type])
      #expect(plain.headers["content-encoding"] == nil && plain.body.utf8.count > length)
      for one in [response, plain] { #expect(one.headers["vary"]?.contains("Accept-Encoding") == true, "\(path)") }
      return length
    }
    let page = try vsd.get("/", headers: ["Accept": "text/html"]).body
    let files = Set(page.matches(of: /\/assets\/[a-z0-9.-]+/).map { String($0.output) })
    #expect(files.count >= 2, "\(files)")
    let whole = try files.sorted().reduce(size("/")) { sum, path in
      // An icon may be too small to compress.
      try sum + (path.hasSuffix(".svg") ? vsd.get(path).body.utf8.count : size(path, type: "*/*"))
    }
    #expect(whole < 30_000, "\(whole)")
    for path in ["/api/v1/reports/dora?group-by=service", "/api/v1/reports/deploys?format=csv", "/api/v1/spans", "/metrics"] {
      _ = try size(path, type: "*/*")
    }
    // Small answers, and those of deliveries, are as they were.
    #expect(try vsd.get("/healthz", headers: ["Accept-Encoding": "gzip"]).headers["content-encoding"] == nil)
  }
}
