"""PaymentsReconciler: requested by a schedule or by staff, continued by the table's stream."""

from typing import Any

from payments.service import reconciler, reconciliations
from payments.tables import reconciliations as table
from payments.tables import rows
from shared import finish_init
from shared.runtime import clock, observability

rows.prepare()


def reconcile(event: Any, context: Any) -> None:
    """Continue the runs in a stream's batch; request a run on a schedule's event."""
    observability.begin(str(event.get("id") or context.aws_request_id))
    try:
        if "Records" not in event:
            reconciliations.request("schedule", None, clock.now())
            return
        images = (record["dynamodb"].get("NewImage") for record in event["Records"])
        newest = {run.reconciliation_id: run for image in images if (run := table.run_of(image))}
        for run in newest.values():
            if not run.is_over:
                reconciler.continue_run(
                    run.reconciliation_id,
                    run.version,
                    lambda: context.get_remaining_time_in_millis() / 1000,
                    clock.now(),
                )
    finally:
        observability.end()


finish_init()
