#!/usr/bin/env bash
# Versions: github.com/robfig/cron/v3 v3.0.1 (what Kubernetes has for CronJobs), cronsim 2.7 (written
# after the cron of Debian) and croniter 6.0.0.
#
# A schedule has a day of month and a day of week. If both are lists of days, one of them is enough;
# if one of them is a star, both must fit. A monitor reads the same schedule to know when the next
# backup is due.
#
# Expected: `*/2` and `*/1` are stars for all three or for none.
#
# Seen: for cronsim a star with any step is a star, for Kubernetes only one with the step 1, and for
# croniter none with a step. So `0 3 */2 * 1` is each odd day and each Monday for Kubernetes and
# croniter, and each Monday that is an odd day for cronsim. `0 3 13 * */1` is the 13th for Kubernetes
# and cronsim, and each day for croniter. With `1-31/2`, a list for each of them, all three agree.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron/v3"
)

func main() {
	for _, text := range os.Args[1:] {
		schedule, err := cron.ParseStandard(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-15s robfig  ", text)
		at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		for range 8 {
			at = schedule.Next(at)
			fmt.Print(at.Format(" 01-02"))
		}
		fmt.Println()
	}
}
GO
go mod init example.com/star 2>/dev/null
go get github.com/robfig/cron/v3@v3.0.1 2>/dev/null

cat >main.py <<'PYTHON'
import sys
from datetime import datetime

from croniter import croniter
from cronsim import CronSim

START = datetime(2026, 12, 1)
for text in sys.argv[1:]:
    for name, times in (("cronsim", CronSim(text, START)), ("croniter", croniter(text, START, datetime))):
        days = [next(times).strftime(" %m-%d") for _ in range(8)]
        print(f"{text:15} {name:8}{''.join(days)}")
PYTHON
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cronsim==2.7 croniter==6.0.0

schedules=('0 3 */2 * 1' '0 3 13 * */1' '0 3 1-31/2 * 1')
{
    go run . "${schedules[@]}"
    venv/bin/python main.py "${schedules[@]}"
} | tee seen
diff - seen <<'SEEN'
0 3 */2 * 1     robfig   12-01 12-03 12-05 12-07 12-09 12-11 12-13 12-14
0 3 13 * */1    robfig   12-13 01-13 02-13 03-13 04-13 05-13 06-13 07-13
0 3 1-31/2 * 1  robfig   12-01 12-03 12-05 12-07 12-09 12-11 12-13 12-14
0 3 */2 * 1     cronsim  12-07 12-21 01-11 01-25 02-01 02-15 03-01 03-15
0 3 */2 * 1     croniter 12-01 12-03 12-05 12-07 12-09 12-11 12-13 12-14
0 3 13 * */1    cronsim  12-13 01-13 02-13 03-13 04-13 05-13 06-13 07-13
0 3 13 * */1    croniter 12-01 12-02 12-03 12-04 12-05 12-06 12-07 12-08
0 3 1-31/2 * 1  cronsim  12-01 12-03 12-05 12-07 12-09 12-11 12-13 12-14
0 3 1-31/2 * 1  croniter 12-01 12-03 12-05 12-07 12-09 12-11 12-13 12-14
SEEN
