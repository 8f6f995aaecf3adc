import Testing
import ValueStreamCore

@testable import APIClient

@Suite("Links of a page")
struct PageLinksTests {
  @Test("to the next and the last one")
  func links() {
    let links = PageLinks([
      "Link":
        #"<https://api.example/repositories/1/pulls?state=all&page=2>; rel="next", <https://api.example/x?per_page=5&page=34>; rel="last""#
    ])
    #expect(links.next == "https://api.example/repositories/1/pulls?state=all&page=2")
    #expect(links.lastNumber == 34)
    #expect(PageLinks.parameter("page", of: links.next ?? "") == "2")
    #expect(PageLinks.parameter("per_page", of: links.next ?? "") == nil)
  }

  @Test(
    "that are none",
    arguments: ["", "x", "<", "<a", "<a>", "<a>;", #"<a>; rel="#, "<a>; rel=prev", #"<a?page=x>; rel="last""#, ">;rel=next<"])
  func none(text: String) {
    let links = PageLinks(["Link": text])
    #expect(links.next == nil)
    #expect(links.lastNumber == nil)
  }

  @Test("without quotes, and other parameters before")
  func forms() {
    #expect(PageLinks(["link": "<https://a/?b=c>; title=\"x\"; rel=next"]).next == "https://a/?b=c")
    #expect(PageLinks(HTTPHeaders()).next == nil)
  }
}

@Suite("The time that requests take")
struct RequestQuotaTests {
  @Test("is that of sending while some are left, and waits for each further hour")
  func seconds() {
    let quota = RequestQuota(perHour: 5000, remaining: 1000, resetSeconds: 600)
    #expect(quota.seconds(for: 100, requestsPerSecond: 10) == 10)
    #expect(quota.seconds(for: 1000, requestsPerSecond: 10) == 100)
    #expect(quota.seconds(for: 1001, requestsPerSecond: 10) == 600.1)
    #expect(quota.seconds(for: 6000, requestsPerSecond: 10) == 1100)
    #expect(quota.seconds(for: 6001, requestsPerSecond: 10) == 4200.1)
    #expect(quota.seconds(for: 6001, requestsPerSecond: 1) == 6001)
  }
}
