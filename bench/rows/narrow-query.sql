SELECT id, code, customer, city, amount, is_paid, made_at FROM narrow
