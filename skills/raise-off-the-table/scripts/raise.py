answer = {call}
for attempt in range({tries}):
    if answer:
        break
    {position}[2] = {position}[2] + {raise_m}
    answer = {call}
