"""The upstream applications: which channel each reports, and how late, how often twice its touchpoints arrive."""

from __future__ import annotations

from dataclasses import dataclass

from palier_simulator.chance import exponential
from palier_simulator.rhythm import DAY_MS, HOUR_MS

UPLOAD_HOUR = 2  # when the tills of all stores hand in their day, local time
REDELIVERY_MEAN_MS = 20 * 60_000


@dataclass(frozen=True, slots=True)
class Source:
    """One upstream application.

    Attributes:
        name: what stands in a touchpoint's `source`.
        channel: the channel of its touchpoints, unless a step names another.
        delay_ms: mean transport delay of a touchpoint that is not held up.
        offline: share of touchpoints that wait on a device until it is online again, for `offline_ms` on average.
        forgotten: share that turns up only 8 to 20 days later (a phone in a drawer, an export run again).
        nightly: touchpoints are handed in once a night instead.
        redelivered: share that is delivered a second time, with the same id.
        local_time: `occurred_at` carries the local UTC offset instead of Z.
        device: what the contact holds reports itself, with time zone and user agent.
    """

    name: str
    channel: str
    delay_ms: float = 800.0
    offline: float = 0.0
    offline_ms: float = 5.0 * HOUR_MS
    forgotten: float = 0.0
    nightly: bool = False
    redelivered: float = 0.004
    local_time: bool = False
    device: bool = False

    def arrival(self, occurred_at: int, utc_offset_ms: int, u: float) -> int:
        """When (ms) a touchpoint of `occurred_at` reaches us; u is uniform in [0, 1)."""
        if u < self.forgotten:
            return occurred_at + 8 * DAY_MS + int(12 * DAY_MS * u / self.forgotten)
        u = (u - self.forgotten) / (1.0 - self.forgotten)
        if self.nightly:
            local = occurred_at + utc_offset_ms
            upload = local - local % DAY_MS + UPLOAD_HOUR * HOUR_MS
            while upload < local:
                upload += DAY_MS
            return upload - utc_offset_ms + int(u * HOUR_MS)
        if u < self.offline:
            return occurred_at + int(exponential(u / self.offline, self.offline_ms))
        return occurred_at + int(exponential((u - self.offline) / (1.0 - self.offline), self.delay_ms))


WEB = Source("web-tracker", "web", delay_ms=1_500, redelivered=0.006, device=True)
APP = Source("mobile-app", "mobile", delay_ms=3_000, offline=0.06, forgotten=0.005, redelivered=0.015, device=True)
MAILER = Source("mailer", "email", delay_ms=12_000, redelivered=0.003)
PUSH = Source("push-gateway", "push", delay_ms=2_000)
SMS = Source("sms-gateway", "sms", delay_ms=4_000)
SHOP = Source("shop", "web", delay_ms=400, redelivered=0.002, device=True)
TILL = Source("store-till", "store", nightly=True, forgotten=0.015, redelivered=0.01, local_time=True)
COMMUNITY = Source("community", "community", delay_ms=2_000)
SOCIAL = Source("social-listener", "social", delay_ms=20 * 60_000, forgotten=0.02, redelivered=0.01)
SERVICE_DESK = Source("service-desk", "chat", delay_ms=5_000, local_time=True)
PREFERENCES = Source("preference-centre", "web", delay_ms=300)
PRIVACY_DESK = Source("privacy-desk", "email", delay_ms=60_000, local_time=True)
